"""A ring of drawn pictures, so that a slow machine can train on each of them several times."""

import torch
from torch import Tensor

from trt_build.training.draws import Draws

Rows = dict[str, Tensor]


class Replay:
    """Keeps the last `capacity` pictures and their truth; pictures of whole numbers 0..255 as bytes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: Rows = {}
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self._capacity)

    def add(self, rows: Rows) -> None:
        """Put in rows of one length; the oldest make room."""
        count = len(rows["images"])
        if not self._rows:
            self._rows = {
                name: torch.empty((self._capacity, *value.shape[1:]), dtype=_stored(name, value))
                for name, value in rows.items()
            }
        places = (self._added + torch.arange(count)) % self._capacity
        for name, value in rows.items():
            self._rows[name][places] = value.to("cpu", _stored(name, value))
        self._added += count

    def sample(self, count: int, draws: Draws) -> Rows:
        """Rows drawn with replacement, on the device of `draws`; pictures as float32."""
        places = draws.integers((count,), len(self)).cpu()
        rows = {name: value[places].to(draws.device) for name, value in self._rows.items()}
        return rows | {"images": rows["images"].float()}


def _stored(name: str, value: Tensor) -> torch.dtype:
    return torch.uint8 if name == "images" else value.dtype
