"""Frames into rings, whatever their memory."""

import numpy as np
from numpy.typing import NDArray

from ingest.nvdec.device import Gpu
from ingest.places import DevicePlace
from orchestrator.frame_ring import FrameRing, Slot


def fill(ring: FrameRing, slot: Slot, frames: NDArray[np.uint8], gpu: Gpu | None = None) -> None:
    """Write frames [N, H, W, 3] into a slot; one on a GPU needs `gpu`."""
    n, height, width, channels = frames.shape
    for place, frame in zip(ring.places(slot, (n, height, width, channels)), frames, strict=True):
        if isinstance(place, DevicePlace):
            assert gpu is not None
            gpu.upload(place, frame)
        else:
            place[:] = frame
