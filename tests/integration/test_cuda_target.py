"""Target `cuda` on a real GPU gives the people and joints of target `cpu`."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.embedded.target import machine_target
from model_repository.glue.crops import crop_regions
from orchestrator.triton import FramePoses, TritonClient
from tests.services.triton import TritonServer, serving

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]

CLIPS = Path(__file__).parents[2] / "examples" / "clips"
LARGEST_PX = 0.5
SURE = 0.3
"""Joints of less confidence may be anywhere on either target."""
SAME_PEOPLE = 0.75
"""Share of the people whose boxes are equal; of two candidates with near scores fp16 may keep the other."""
LARGEST_OTHER_PX = 6.0
"""A box that another candidate gave may be off by this."""
SAME_JOINTS = 0.95
"""Share of the sure joints that are equal: decoding goes from a heatmap's highest cell a quarter of a cell
towards the higher neighbour, and fp16 decides where two neighbours are nearly equal."""
LARGEST_JUMP_CELLS = 0.5
"""What that moves a joint by along each axis: a quarter of a cell back and a quarter on."""
OTHER_MAXIMUM = 0.01
"""Share of the sure joints that may be anywhere: a second maximum of the heatmap is nearly as high."""
HEATMAP_HEIGHT = 64
HEATMAP_ASPECT = 48 / 64


@pytest.fixture(scope="module")
def cuda_triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """Triton with the shipped networks on the GPU."""
    with serving(tmp_path_factory.mktemp("cuda"), choice=machine_target("cuda")) as server:
        yield server


def frames_of(clip: str) -> NDArray[np.uint8]:
    """Eight frames, spread over the clip."""
    with av.open(str(CLIPS / f"{clip}.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames[:: len(frames) // 8][:8]).astype(np.uint8)


async def poses(
    server: TritonServer, frames: NDArray[np.uint8], detected: list[bool] | None = None
) -> FramePoses:
    async with await TritonClient.open(server.url) as client:
        await client.check_contract()
        await client.canary()
        return await client.infer_pose_2d(frames, detected)


@pytest.mark.parametrize("clip", ["squat", "jump", "sprint_race"])
async def test_people_and_joints_are_those_of_the_cpu(
    cuda_triton: TritonServer, triton: TritonServer, clip: str
) -> None:
    frames = frames_of(clip)
    got, expected = await poses(cuda_triton, frames), await poses(triton, frames)
    np.testing.assert_array_equal(got.frame_index, expected.frame_index)
    apart_px = np.abs(got.boxes_px - expected.boxes_px)[:, :4].max(axis=1)
    same = apart_px <= LARGEST_PX
    assert same.mean() >= SAME_PEOPLE
    assert apart_px.max() <= LARGEST_OTHER_PX
    sure = np.minimum(got.keypoints_px[..., 2], expected.keypoints_px[..., 2])[same] > SURE
    moved_px = (got.keypoints_px - expected.keypoints_px)[same, :, :2]
    assert (np.linalg.norm(moved_px, axis=-1)[sure] <= LARGEST_PX).mean() >= SAME_JOINTS
    cells_px = crop_regions(expected.boxes_px[same], HEATMAP_ASPECT)[:, 3, None, None] / HEATMAP_HEIGHT
    jumped = (np.abs(moved_px) <= LARGEST_JUMP_CELLS * cells_px + LARGEST_PX).all(axis=-1)
    assert 1 - jumped[sure].mean() <= OTHER_MAXIMUM


async def test_people_are_followed_between_the_frames_that_the_detector_looks_at(
    cuda_triton: TritonServer,
) -> None:
    frames = frames_of("squat")[[0, 0, 0, 1]]
    got = await poses(cuda_triton, frames, [True, False, False, True])
    expected = await poses(cuda_triton, frames)
    assert got.frame_index.tolist() == expected.frame_index.tolist() == [0, 1, 2, 3]
    first, near, _, last = got.boxes_px
    np.testing.assert_allclose(near, (2 * first + last) / 3, atol=0.01)
    np.testing.assert_allclose(got.boxes_px[[0, 3]], expected.boxes_px[[0, 3]], atol=LARGEST_OTHER_PX)
