"""Finds the signs in an API: its description, its source, its manifests and the running thing."""
