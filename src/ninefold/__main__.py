"""`python -m ninefold`."""

from ninefold.cli.main import main

main()
