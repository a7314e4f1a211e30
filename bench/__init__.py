"""What the guard costs beside its peers: CPU per request, on the same work, in the same run. `python -m bench`."""
