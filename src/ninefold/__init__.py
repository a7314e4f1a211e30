"""Ninefold: one security contract per API, audited, guarded and proven."""
