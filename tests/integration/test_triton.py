"""The ensemble on a real Triton server, and what the client makes of its troubles."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InferenceError, InferenceUnavailableError, ModelContractError
from orchestrator.triton import RegionFrames, TritonClient
from tests.services.probe_networks import PERSON_CXCYWH, score_of
from tests.services.running import free_port
from tests.services.triton import TritonServer, serving

HEIGHT, WIDTH = 612, 1088
"""Half of this is the detector's width: 2 picture px per network px, nothing but grey below row 306."""


@pytest.fixture
async def client(probe_triton: TritonServer) -> AsyncIterator[TritonClient]:
    async with await TritonClient.open(probe_triton.url) as client:
        yield client


def bright_frames(*levels: int) -> NDArray[np.uint8]:
    values = np.array(levels, np.uint8)[:, None, None, None]
    return np.ascontiguousarray(np.broadcast_to(values, (len(levels), HEIGHT, WIDTH, 3)))


async def test_shipped_models_pass_the_checks_at_the_start(triton: TritonServer) -> None:
    async with await TritonClient.open(triton.url) as client:
        await client.check_contract()
        await client.canary()


async def test_each_frame_gets_its_own_answer(client: TritonClient) -> None:
    poses = await client.infer_pose_2d(bright_frames(80, 250, 130))
    assert poses.frame_index.tolist() == [0, 1, 2]
    np.testing.assert_allclose(poses.boxes_px[:, 4], [score_of(level) for level in (80, 250, 130)], atol=1e-3)
    cx, cy, width, height = (2 * value for value in PERSON_CXCYWH)
    box = [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2]
    np.testing.assert_allclose(poses.boxes_px[:, :4], [box] * 3, atol=1e-2)
    assert poses.keypoints_px.shape == (3, client.joint_count, 3)


@pytest.mark.parametrize("place", [(400, 200), (417, 251), (370, 300)])
async def test_joints_are_found_at_pixel_centres(client: TritonClient, place: tuple[int, int]) -> None:
    """A dot at pixel (x, y) is at (x + 0.5, y + 0.5), to a quarter of a heatmap cell (8.3 px / 4)."""
    x, y = place
    frames = bright_frames(90)
    frames[0, y - 2 : y + 3, x - 2 : x + 3] = 255
    poses = await client.infer_pose_2d(frames)
    cell_px = 1.25 * 2 * PERSON_CXCYWH[3] / 64
    np.testing.assert_allclose(poses.keypoints_px[0, :, :2] - [x + 0.5, y + 0.5], 0, atol=0.27 * cell_px)


async def test_nobody_is_an_empty_answer(client: TritonClient) -> None:
    frames = bright_frames(0, 0)
    poses = await client.infer_pose_2d(frames)
    assert len(poses.frame_index) == 0
    assert poses.boxes_px.shape == (0, 5)
    assert poses.keypoints_px.shape == (0, client.joint_count, 3)


async def test_too_many_frames_are_the_requests_fault(client: TritonClient) -> None:
    with pytest.raises(InferenceError, match="expected at most 32 frames per request, got 33"):
        await client.infer_pose_2d(np.zeros((33, 32, 32, 3), np.uint8))


async def test_the_detector_looks_at_the_frames_it_is_told(client: TritonClient) -> None:
    poses = await client.infer_pose_2d(bright_frames(80, 250, 250, 140), [True, False, False, True])
    assert poses.frame_index.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(
        poses.boxes_px[:, 4], [score_of(level) for level in (80, 100, 120, 140)], atol=1e-3
    )


async def test_a_last_frame_that_is_not_looked_at_is_the_requests_fault(client: TritonClient) -> None:
    with pytest.raises(InferenceError, match="expected parameter detected of 2 digits"):
        await client.infer_pose_2d(bright_frames(80, 250), [True, False])


async def test_a_region_that_triton_does_not_know_is_worth_a_retry(client: TritonClient) -> None:
    frames = RegionFrames(region="nowhere", offset_bytes=0, shape=(1, 8, 8, 3))
    with pytest.raises(InferenceUnavailableError, match="nowhere"):
        await client.infer_pose_2d(frames)


async def test_no_server_is_unavailable() -> None:
    with pytest.raises(InferenceUnavailableError):
        await TritonClient.open(f"127.0.0.1:{free_port()}")


@pytest.fixture(scope="module")
def other_triton(
    tmp_path_factory: pytest.TempPathFactory, probe_triton: TritonServer
) -> Iterator[TritonServer]:
    """A second server beside the first: its hrnet takes smaller batches, and a test may break it."""
    root = tmp_path_factory.mktemp("other_triton")
    with serving(root, probe_triton.repository.parent / "models", change=_halve_batches) as server:
        yield server


def _halve_batches(repository: Path) -> None:
    config = repository / "models" / "hrnet" / "config.pbtxt"
    config.write_text(config.read_text().replace("max_batch_size: 512", "max_batch_size: 64"))


async def test_a_server_with_another_contract_is_refused(other_triton: TritonServer) -> None:
    async with await TritonClient.open(other_triton.url) as client:
        with pytest.raises(ModelContractError, match=r"hrnet .*max_batch_size: expected 512, got 64"):
            await client.check_contract()


async def test_a_dead_stub_is_found(other_triton: TritonServer) -> None:
    async with await TritonClient.open(other_triton.url) as client:
        await client.canary()
        for stub in other_triton.process.children(recursive=True):
            if any("models/hrnet" in part for part in stub.cmdline()):
                stub.kill()
        await client.ready()
        with pytest.raises(InferenceError):
            await client.canary()
