"""Judgements on a live server: does it keep the committed contracts, and do its models compute. Pure."""

import numpy as np
from numpy.typing import NDArray

from model_repository.contract import ModelContract, TensorSpec
from model_repository.glue.pixels import letterbox

CANARY_SEED = 7


def differences(committed: ModelContract, live: ModelContract) -> list[str]:
    """What the live model does not keep, one phrase each: expected X, got Y."""
    found = []
    if committed.max_batch_size != live.max_batch_size:
        found.append(f"max_batch_size: expected {committed.max_batch_size}, got {live.max_batch_size}")
    for kind, expected, got in (
        ("input", committed.inputs, live.inputs),
        ("output", committed.outputs, live.outputs),
    ):
        if set(expected) != set(got):
            found.append(f"{kind}: expected {_listed(expected)}, got {_listed(got)}")
    return found


def canary_frames() -> NDArray[np.uint8]:
    """[2, 90, 160, 3]: a black and a noisy picture."""
    return _black_and_noise((90, 160, 3))


def canary_rows(contract: ModelContract) -> NDArray[np.uint8]:
    """Two different rows for a network's only input, [2, ...]."""
    return _black_and_noise(contract.inputs[0].dims)


def network_fault(outputs: NDArray[np.float32]) -> str | None:
    """What is wrong with a network's answer [2, ...] to `canary_rows`; None if nothing is."""
    if not np.isfinite(outputs).all():
        return "it computes values that are not finite"
    if np.array_equal(outputs[0], outputs[1]):
        return "it answers a black and a noisy picture alike, so the pixels do not reach it"
    return None


def poses_fault(
    frame_index: NDArray[np.int32], keypoints_px: NDArray[np.float32], frame_count: int, joint_count: int
) -> str | None:
    """What is wrong with the people of `frame_count` frames, whose indices are [M] and joints [M, K, 3];
    None if nothing is."""
    if len(frame_index) and not (frame_index.min() >= 0 and frame_index.max() < frame_count):
        return f"it answers for frames {frame_index.tolist()}, of {frame_count} that were sent"
    if keypoints_px.shape[1] != joint_count:
        return f"it answers with {keypoints_px.shape[1]} joints, not {joint_count}"
    if not np.isfinite(keypoints_px).all():
        return "it computes values that are not finite"
    return None


def letterbox_fault(images: NDArray[np.uint8]) -> str | None:
    """What is wrong with letterbox's answer to `canary_frames`; None if nothing is."""
    _, height, width, _ = images.shape
    expected = letterbox(canary_frames(), (height, width))
    if np.abs(images.astype(np.int16) - expected).max() > 1:
        return "its pictures differ from the frames that were sent"
    return None


def _black_and_noise(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(CANARY_SEED).integers(0, 256, shape, dtype=np.uint8)
    return np.stack([np.zeros_like(noise), noise])


def _listed(tensors: tuple[TensorSpec, ...]) -> str:
    return "; ".join(map(str, tensors))
