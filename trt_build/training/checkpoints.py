"""Weights between trainings: an .npz by state_dict key, to go on from and to export."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def save_weights(state: dict[str, Tensor], path: Path) -> None:
    """Write `path`, kernels as float16 and all else as it is; a reader never sees half a file."""
    arrays = {
        name: (value.half() if value.ndim > 1 else value).cpu().numpy() for name, value in state.items()
    }
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


def load_weights(path: Path) -> dict[str, Tensor]:
    """The state_dict of a file that `save_weights` wrote, floats as float32."""
    with np.load(path, allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


def widened(state: dict[str, Tensor], larger: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a network in one of the same shape but, here and there, more channels.

    It computes the same at first: the new channels start as they are in `larger`, and nothing listens to them
    yet (Net2Net's idea, Chen et al. 2016, with zeros for copies). Not for networks that concatenate channels.
    """
    return {name: _within(state[name], value.clone()) for name, value in larger.items()}


def _within(old: Tensor, new: Tensor) -> Tensor:
    if old.ndim > 1:
        new[: old.shape[0], old.shape[1] :] = 0
    new[tuple(slice(side) for side in old.shape)] = old
    return new
