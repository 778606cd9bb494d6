"""Which networks computed something."""

Networks = dict[str, str]
"""The SHA-256 of each network's file by the network's name, such as `hrnet`."""
UNKNOWN = "unknown"
"""In place of a digest that a server does not tell."""
