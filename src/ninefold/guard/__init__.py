"""Keeps the promises. Sans-I/O: a request or a response in, a decision out."""
