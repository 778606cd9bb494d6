"""Triton: poses of frames. Only this package imports tritonclient."""

from orchestrator.triton.client import (
    REQUEST_TIMEOUT_S,
    FramePoses,
    FrameShape,
    RegionFrames,
    TritonClient,
)
from orchestrator.triton.errors import triton_errors

__all__ = [
    "REQUEST_TIMEOUT_S",
    "FramePoses",
    "FrameShape",
    "RegionFrames",
    "TritonClient",
    "triton_errors",
]
