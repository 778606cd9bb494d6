"""Pictures kept for later steps: to be seen again on a slow machine, drawn ahead on a fast one."""

from collections.abc import Callable

import torch
from torch import Tensor

from trt_build.training.draws import Draws

Rows = dict[str, Tensor]


class Replay:
    """Keeps the last `capacity` pictures and their truth; pictures of whole numbers 0..255 as bytes."""

    def __init__(self, capacity: int, device: torch.device) -> None:
        self._capacity, self._device = capacity, device
        self._rows: Rows = {}
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self._capacity)

    def add(self, rows: Rows) -> None:
        """Put in rows of one length; the oldest make room."""
        count = len(rows["images"])
        if not self._rows:
            self._rows = {
                name: torch.empty(
                    (self._capacity, *value.shape[1:]), dtype=_stored(name, value), device=self._device
                )
                for name, value in rows.items()
            }
        places = (self._added + torch.arange(count, device=self._device)) % self._capacity
        for name, value in rows.items():
            self._rows[name][places] = value.to(self._device, _stored(name, value), non_blocking=True)
        self._added += count

    def sample(self, count: int, draws: Draws) -> Rows:
        """Rows drawn with replacement, on the device of `draws`; pictures as float32."""
        places = draws.integers((count,), len(self)).to(self._device)
        rows = {name: value[places].to(draws.device) for name, value in self._rows.items()}
        return rows | {"images": rows["images"].float()}


def _stored(name: str, value: Tensor) -> torch.dtype:
    return torch.uint8 if name == "images" else value.dtype


class Ahead:
    """Draws several batches at once: small drawings leave a GPU waiting for its kernels to be started."""

    def __init__(self, batches: int) -> None:
        self._batches = batches
        self._waiting: list[Rows] = []

    def take(self, count: int, draw: Callable[[int], Rows]) -> Rows:
        """The next `count` rows; `draw` makes as many as it is asked for."""
        if not self._waiting:
            rows = draw(count * self._batches)
            parts = {name: value.split(count) for name, value in rows.items()}
            self._waiting = [{name: part[k] for name, part in parts.items()} for k in range(self._batches)]
        return self._waiting.pop()
