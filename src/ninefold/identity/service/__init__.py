"""A small token service for those without an identity provider: OAuth 2.1 over the contract's own keys, clients and users.

What OAuth says is Authlib's; ours is where things are kept, how keys turn, and what a caller sees. It does no network I/O:
`app.py` is an ASGI application, and its host serves it.
"""
