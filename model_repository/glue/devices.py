"""Where the glue models' pictures are: in the CPU's memory or in a GPU's. Results are equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_repository.glue import pixel_arrays, pixels
from model_repository.glue.boxes import Size
from model_repository.glue.heatmaps import Peaks, read_peaks

Array = Any
"""Of NumPy or PyTorch."""
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class GlueDevice:
    """What is done to pictures and to the networks' large outputs; all else is small and NumPy's."""

    letterbox: Callable[[Array, Size], Array]
    """As `pixels.letterbox`."""
    warp_crops: Callable[[Array, NDArray[np.int32], NDArray[np.float64], Size], Array]
    """As `pixels.warp_crops`."""
    likely_rows: Callable[[Array, float], Floats]
    """Predictions [N, A, 5] and the least score -> at least the rows that reach it, [N, A', 5], in order."""
    read_peaks: Callable[[Array], Peaks]
    """Of heatmaps [P, K, h, w]."""


HOST = GlueDevice(
    letterbox=pixels.letterbox,
    warp_crops=pixels.warp_crops,
    likely_rows=lambda predictions, _: predictions,
    read_peaks=lambda heatmaps: read_peaks(pixel_arrays.NUMPY, heatmaps),
)


def device_of(arguments: Mapping[str, str]) -> GlueDevice:
    """The device of a Triton model's instance, by the arguments of its `initialize`."""
    if arguments["model_instance_kind"] != "GPU":
        import cv2

        cv2.setNumThreads(1)
        return HOST
    from model_repository.glue.gpu import gpu

    return gpu(int(arguments["model_instance_device_id"]))
