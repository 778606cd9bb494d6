"""What one project may have under way in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.errors import QuotaExceededError
from orchestrator.store import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectBound:
    """A bound that holds for each project."""

    most: int
    what: str
    """Counted: `calls`."""
    retry_after_s: float
    _under_way: Counter[int] = field(default_factory=Counter, init=False, repr=False)

    @contextmanager
    def one(self, tenant: Tenant) -> Iterator[None]:
        """Counts one until the end of the block. Raises QuotaExceededError."""
        if self._under_way[tenant.project_id] >= self.most:
            raise QuotaExceededError(
                f"expected at most {self.most} {self.what} at a time in this project, got one more",
                retry_after_s=self.retry_after_s,
            )
        self._under_way[tenant.project_id] += 1
        try:
            yield
        finally:
            self._under_way[tenant.project_id] -= 1
