"""Poses and descriptions survive the object store."""

from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest

from core.errors import ObjectStoreError
from core.video import VideoInfo
from orchestrator.pose_files import (
    decode_info,
    decode_networks,
    decode_poses,
    encode_info,
    encode_poses,
    pose_key,
)
from tests.services.poses import known_poses

INFO = VideoInfo(
    width_px=1279,
    height_px=719,
    rotation_deg=90,
    frame_rate=Fraction(30000, 1001),
    pts_ns=np.array([-5, 33, 70], np.int64),
    keyframes=np.array([0, 2], np.int32),
    codec="h264",
    container="mp4",
)


NETWORKS = {"yolo": "1" * 64, "hrnet": "2" * 64}


@pytest.mark.parametrize("frames", [[], [1], [0, 1, 2]])
def test_poses_round_trip(frames: list[int]) -> None:
    batch = known_poses(np.array(frames, np.int32), INFO)
    data = encode_poses(batch, NETWORKS)
    decoded = decode_poses(data)
    assert decode_networks(data) == NETWORKS
    assert decoded.cpu_reason is None
    for member in fields(batch):
        if member.name == "cpu_reason":
            continue
        before, after = getattr(batch, member.name), getattr(decoded, member.name)
        assert (before.dtype, before.shape) == (after.dtype, after.shape)
        np.testing.assert_array_equal(before, after)


def test_the_reason_for_decoding_on_the_cpu_round_trips() -> None:
    batch = replace(known_poses(np.arange(3, dtype=np.int32), INFO), cpu_reason="its codec is mpeg4, été")
    assert decode_poses(encode_poses(batch, NETWORKS)).cpu_reason == batch.cpu_reason


def test_info_round_trips() -> None:
    decoded = decode_info(encode_info(INFO))
    np.testing.assert_array_equal(decoded.pts_ns, INFO.pts_ns)
    np.testing.assert_array_equal(decoded.keyframes, INFO.keyframes)
    for name in ("width_px", "height_px", "rotation_deg", "frame_rate", "codec", "container"):
        assert getattr(decoded, name) == getattr(INFO, name)


def test_equal_poses_are_equal_files() -> None:
    batch = known_poses(np.arange(3, dtype=np.int32), INFO)
    assert encode_poses(batch, NETWORKS) == encode_poses(batch, dict(reversed(NETWORKS.items())))


@pytest.mark.parametrize("data", [b"", b"no npz", encode_info(INFO)])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ObjectStoreError, match="expected a file with decoded_frames"):
        decode_poses(data)


def test_holders_of_a_run_write_to_their_own_keys() -> None:
    assert pose_key("jobs/1/videos/2/", 8, 3) == "jobs/1/videos/2/poses/00000008-3.npz"
