"""What the server keeps, a file per object: its fields and what can be done with it.

Each operation is written once, here. `marey.AsyncClient` has them as they are, `marey.Client` runs them
without an event loop, and the command line makes a command of each.
"""
