"""Bodies that are no JSON, read strictly: forms, files, XML."""
