"""The command line `marey`. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the server cannot be reached."""

from marey.cli.group import main

__all__ = ["main"]
