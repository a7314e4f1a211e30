"""What of Ninefold is written in C: the projection of answers, the one thing that every byte of every answer goes through."""
