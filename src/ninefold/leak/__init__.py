"""What should never leave inside of a text: traces, statements, paths, versions, secrets, numbers of cards and persons."""
