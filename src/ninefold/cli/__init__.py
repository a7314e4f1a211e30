"""Parse, call, render. Nothing else prints, reads the environment or exits."""
