"""Where things are kept: SQLite, embedded."""
