"""Tokens: whose are accepted, what has to be true of them, and how their issuer is asked."""
