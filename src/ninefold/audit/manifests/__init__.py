"""What an API depends on: one module a family of manifests and lock files, and `read`, which knows them all."""
