"""Where a training's batches come from: drawn on the spot, seen again, or footage."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trt_build.training.draws import Draws
from trt_build.training.footage_stream import Clips, Footage, FootageSupply
from trt_build.training.recolour import recoloured
from trt_build.training.replay import Ahead, Replay, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Diet:
    """What a step feeds on."""

    resolution: float = 1.0
    """Size of the pictures over the network's own; convolutions do not mind, a CPU does."""
    fresh: int = 0
    """Pictures drawn anew in each step; 0 draws the whole batch anew and keeps none."""
    ahead: int = 1
    """Batches drawn at once where none is kept."""
    memory: int = 0
    """Pictures kept to be seen again."""
    spoilt_share: float = 1.0
    """Share of the pictures that are blurred, noisy or compressed."""
    peak_weight: float = 0.0
    """How much more the pose network's error counts at a joint than far from it."""
    recoloured_share: float = 0.0
    """Share of the pictures, drawn or footage, that get other colours each time they are seen."""
    compiled: bool = False
    """Whether steps run through torch.compile."""
    footage: FootageSupply = field(default_factory=FootageSupply)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kitchen:
    """A task's way of making rows."""

    draw: Callable[[int, Draws], Rows]
    """So many rows from nothing."""
    mirror: Callable[[Rows, Tensor], Rows]
    """The chosen [N] rows left to right."""
    clips: Clips
    """The same kind of rows from rendered clips."""
    border: float
    """Grey value beyond the picture."""


class Feed:
    """Batches by a diet."""

    def __init__(self, kitchen: Kitchen, diet: Diet, device: torch.device) -> None:
        self._kitchen, self._diet = kitchen, diet
        self._replay, self._ahead = Replay(diet.memory, torch.device("cpu")), Ahead(diet.ahead)
        self._footage = Footage(kitchen.clips, diet.footage, device) if diet.footage.share > 0 else None

    def rows(self, count: int, draws: Draws) -> Rows:
        """`count` rows on the device of `draws`, pictures as float32."""
        with torch.no_grad():
            rows, share = self._mixed(count, draws), self._diet.recoloured_share
            return rows | {"images": recoloured(rows["images"], share, draws, self._kitchen.border)}

    def _mixed(self, count: int, draws: Draws) -> Rows:
        if self._footage is None:
            return self._drawn(count, draws)
        share = round(count * self._diet.footage.share)
        seen = self._mirrored(self._footage.rows(share, draws), draws)
        if share == count:
            return seen
        drawn = self._drawn(count - share, draws)
        return {name: torch.cat([value, seen[name]]) for name, value in drawn.items()}

    def _drawn(self, count: int, draws: Draws) -> Rows:
        if not self._diet.fresh:
            return self._ahead.take(count, lambda n: self._kitchen.draw(n, draws))
        while not len(self._replay):
            self._replay.add(self._kitchen.draw(count, draws))
        self._replay.add(self._kitchen.draw(self._diet.fresh, draws))
        return self._mirrored(self._replay.sample(count, draws), draws)

    def _mirrored(self, rows: Rows, draws: Draws) -> Rows:
        return self._kitchen.mirror(rows, draws.chance((len(rows["images"]),), 0.5))
