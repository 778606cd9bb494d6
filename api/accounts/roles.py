"""Options of routes: whose key they need."""

PUBLIC = {"public": True}
"""None."""
NO_KEY: tuple[dict[str, list[str]], ...] = ({},)
"""The same, in the description of the API."""
ADMIN = {"admin": True}
"""An administrator's."""
