"""How a number of rows goes through a network that takes a few fixed batch sizes. Pure."""

from collections.abc import Sequence
from functools import cache

STEP_COST_ROWS = 16
"""A step's fixed cost (its many small kernels), in rows of a large batch."""


def steps(rows: int, batches: Sequence[int]) -> tuple[int, ...]:
    """Batch sizes, largest first, that together hold `rows` at the least cost; the last may be part empty."""
    largest = max(batches)
    whole = max(rows - largest, 0) // largest
    rest = _cheapest(rows - whole * largest, tuple(sorted(batches)))
    return tuple(sorted((*[largest] * whole, *rest), reverse=True))


@cache
def _cheapest(rows: int, batches: tuple[int, ...]) -> tuple[int, ...]:
    """Every smaller step is filled from the rest, so this looks at the first step only."""
    if rows <= 0:
        return ()
    choices = [(size, *_cheapest(rows - size, batches)) for size in batches]
    return min(choices, key=lambda sizes: (STEP_COST_ROWS * len(sizes) + sum(sizes), len(sizes)))
