"""Poses and video descriptions as files in the object store (`.npz`)."""

import io
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import ObjectStoreError
from core.networks import Networks
from core.poses import PoseBatch
from core.video import VideoInfo

_CPU_REASON = "cpu_reason"
_OPTIONAL = {_CPU_REASON}
_POSE_ARRAYS = ("decoded_frames", "decoded_pts_ns", "frame_index", "boxes_px", "keypoints_px")


class _InfoHeader(msgspec.Struct, frozen=True):
    width_px: int
    height_px: int
    rotation_deg: int
    frame_rate: tuple[int, int]
    codec: str
    container: str


def poses_prefix(results_path: str) -> str:
    """What the object keys of a video's poses start with."""
    return f"{results_path}poses/"


def pose_key(results_path: str, start_frame: int, epoch: int) -> str:
    """Object key of poses that are committed together: each holder of the run writes its own."""
    return f"{poses_prefix(results_path)}{start_frame:08d}-{epoch}.npz"


def index_key(results_path: str) -> str:
    """Object key of a video's description."""
    return f"{results_path}index.npz"


def encode_poses(batch: PoseBatch, networks: Networks) -> bytes:
    """The batch's arrays under their own names; the networks they come from as JSON beside them."""
    text = np.frombuffer(msgspec.json.encode(networks, order="deterministic"), np.uint8)
    arrays = {name: getattr(batch, name) for name in _POSE_ARRAYS} | {"networks": text}
    if batch.cpu_reason is not None:
        arrays[_CPU_REASON] = np.frombuffer(batch.cpu_reason.encode(), np.uint8)
    return _encode(arrays)


def decode_poses(data: bytes) -> PoseBatch:
    """The inverse of `encode_poses`. Raises ObjectStoreError for anything else."""
    arrays = _decode(data, _POSE_ARRAYS)
    reason = arrays[_CPU_REASON].tobytes().decode() if _CPU_REASON in arrays else None
    return PoseBatch(**{name: arrays[name] for name in _POSE_ARRAYS}, cpu_reason=reason)


def decode_networks(data: bytes) -> Networks:
    """The networks that a file of poses comes from. Raises ObjectStoreError for anything else."""
    return msgspec.json.decode(_decode(data, ("networks",))["networks"].tobytes(), type=Networks)


def encode_info(info: VideoInfo) -> bytes:
    """Times and keyframes as arrays, the rest as JSON beside them."""
    header = _InfoHeader(
        width_px=info.width_px,
        height_px=info.height_px,
        rotation_deg=info.rotation_deg,
        frame_rate=(info.frame_rate.numerator, info.frame_rate.denominator),
        codec=info.codec,
        container=info.container,
    )
    text = np.frombuffer(msgspec.json.encode(header), np.uint8)
    return _encode({"header": text, "pts_ns": info.pts_ns, "keyframes": info.keyframes})


def decode_info(data: bytes) -> VideoInfo:
    """The inverse of `encode_info`. Raises ObjectStoreError for anything else."""
    arrays = _decode(data, ("header", "pts_ns", "keyframes"))
    header = msgspec.json.decode(arrays["header"].tobytes(), type=_InfoHeader)
    return VideoInfo(
        width_px=header.width_px,
        height_px=header.height_px,
        rotation_deg=header.rotation_deg,
        frame_rate=Fraction(*header.frame_rate),
        pts_ns=arrays["pts_ns"],
        keyframes=arrays["keyframes"],
        codec=header.codec,
        container=header.container,
    )


def _encode(arrays: dict[str, NDArray[Any]]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _decode(data: bytes, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The arrays of these names, and optional ones where the file has them."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name] for name in (*names, *(_OPTIONAL & set(file.files)))}
    except (ValueError, KeyError, OSError, EOFError) as error:
        raise ObjectStoreError(f"expected a file with {', '.join(names)}, got: {error}") from error
