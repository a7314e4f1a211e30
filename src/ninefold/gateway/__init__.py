"""Moves the bytes, and does nothing with them that the guard did not decide."""
