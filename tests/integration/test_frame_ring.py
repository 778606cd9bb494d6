"""One suite over every way that frames take to a real Triton."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.nvdec.device import Gpu
from orchestrator.frame_memory import PREFIX, SHARED_MEMORY, CudaMemory, FrameMemory, OwnMemory, PosixMemory
from orchestrator.frame_ring import FrameRing, RingSettings, Slot
from orchestrator.triton import TritonClient
from tests.services.gpu import gpu_or_problem
from tests.services.rings import fill
from tests.services.triton import TritonServer

FRAMES = np.stack([np.full((96, 128, 3), level, np.uint8) for level in (200, 90)])
SETTINGS = RingSettings(slots=2, slot_bytes=FRAMES.nbytes)
CUDA = pytest.param("cuda", marks=pytest.mark.gpu)
SHARED = pytest.mark.parametrize("transport", [CUDA, "posix"])
EVERY = pytest.mark.parametrize("transport", [CUDA, "posix", "body"])


@pytest.fixture
async def client(probe_triton: TritonServer) -> AsyncIterator[TritonClient]:
    async with await TritonClient.open(probe_triton.url) as client:
        yield client


@pytest.fixture
def gpu(transport: str) -> Gpu | None:
    gpu = gpu_or_problem() if transport == "cuda" else None
    assert not isinstance(gpu, str)
    return gpu


def memory_of(transport: str, gpu: Gpu | None) -> FrameMemory:
    """Memory for a ring of `SETTINGS`."""
    byte_size = SETTINGS.slots * SETTINGS.slot_bytes
    if transport == "cuda":
        assert gpu is not None
        return CudaMemory(gpu, byte_size)
    return PosixMemory(byte_size) if transport == "posix" else OwnMemory(byte_size)


def files() -> set[str]:
    """Names of the regions' files."""
    return {path.name for path in SHARED_MEMORY.glob(f"{PREFIX}*")}


async def regions(client: TritonClient) -> set[str]:
    """Names of all regions that Triton reads."""
    return await client.regions() | await client.device_regions()


@EVERY
async def test_every_slot_gives_what_the_body_gives(
    client: TritonClient, transport: str, gpu: Gpu | None
) -> None:
    ring = FrameRing(client, SETTINGS, memory_of(transport, gpu))
    try:
        await ring.serving()
        assert ring.transport == transport
        for frames in (FRAMES, FRAMES[::-1]):
            slot = await ring.acquire()
            fill(ring, slot, frames, gpu)
            await check(client, ring, slot, frames)
    finally:
        await ring.close()


async def check(client: TritonClient, ring: FrameRing, slot: Slot, frames: NDArray[np.uint8]) -> None:
    """The slot's frames give the poses that they give in a body."""
    n, height, width, channels = frames.shape
    got = await ring.infer(slot, (n, height, width, channels), await ring.serving())
    expected = await client.infer_pose_2d(np.ascontiguousarray(frames))
    assert len(expected.boxes_px) == len(frames)
    np.testing.assert_array_equal(got.boxes_px, expected.boxes_px)
    np.testing.assert_array_equal(got.keypoints_px, expected.keypoints_px)


@SHARED
async def test_a_closed_ring_leaves_nothing(client: TritonClient, transport: str, gpu: Gpu | None) -> None:
    before = files()
    ring = FrameRing(client, SETTINGS, memory_of(transport, gpu))
    await ring.serving()
    (name,) = files() - before
    assert name in await regions(client)
    await ring.close()
    assert name not in files()
    assert name not in await regions(client)


@SHARED
async def test_a_region_of_a_dead_owner_is_forgotten_by_the_next_ring(
    client: TritonClient, transport: str, gpu: Gpu | None
) -> None:
    before = files()
    ring = FrameRing(client, SETTINGS, memory_of(transport, gpu))
    await ring.serving()
    (name,) = files() - before
    (SHARED_MEMORY / name).unlink()
    await (await FrameRing.open(client, SETTINGS, gpu)).close()
    assert name not in await regions(client)


@pytest.mark.gpu
@pytest.mark.parametrize("transport", ["cuda"])
async def test_a_gpu_without_room_is_no_reason_to_stop(
    client: TritonClient, transport: str, gpu: Gpu | None
) -> None:
    ring = await FrameRing.open(client, RingSettings(slots=1, slot_bytes=1 << 42), gpu)
    try:
        assert ring.transport == "posix"
    finally:
        await ring.close()
