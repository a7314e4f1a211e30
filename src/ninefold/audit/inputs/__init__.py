"""What a description is read from beyond a file of OpenAPI: each reader yields a `Description`, so that every rule works."""
