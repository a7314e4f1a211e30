"""API keys: issue, digest, rotate, revoke."""
