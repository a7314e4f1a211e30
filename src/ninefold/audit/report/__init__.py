"""A finished audit as text: terminal, HTML, JSON, SARIF, JUnit. Pure functions."""
