"""Bodies of health checks."""

import msgspec

from api.errors import Problem


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: str = "live"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Every service answers."""

    status: str = "ready"
    checks: dict[str, str]


class NotReady(Problem, frozen=True, kw_only=True):
    """A problem body that says which service does not answer."""

    checks: dict[str, str]
