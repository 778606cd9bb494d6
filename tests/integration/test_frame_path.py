"""Video file -> pose batches, through a real Triton whose networks tell which pixels reached them."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import CorruptVideoError, FrameTooLargeError, InferenceError, InferenceUnavailableError
from core.poses import PoseBatch
from core.video import FrameSpan, VideoInfo
from ingest.decoder import decode_span
from ingest.encoder import VideoWriter
from ingest.probe import MediaLimits, probe_video
from ingest.runs import plan_runs
from orchestrator.frame_memory import PREFIX, SHARED_MEMORY, remove_stale_regions
from orchestrator.frame_path import FramePath, FramePathSettings
from orchestrator.frame_requests import VideoRun
from orchestrator.frame_ring import FrameRing, RingSettings
from orchestrator.triton import TritonClient
from tests.media import Clip, overwrite_middle, write_clip
from tests.services.probe_networks import level_of_score
from tests.services.rings import fill
from tests.services.triton import TritonServer

FRAMES = 45
BLACK = 20
"""The one frame in which the probe network sees nobody."""
WIDTH, HEIGHT = 320, 180
FRAME_BYTES = WIDTH * HEIGHT * 3
BATCH_FRAMES = 10
SETTINGS = FramePathSettings(frames_per_request=4, slots=3, slot_bytes=4 * FRAME_BYTES)


@pytest.fixture
async def client(probe_triton: TritonServer) -> AsyncIterator[TritonClient]:
    async with await TritonClient.open(probe_triton.url) as client:
        yield client


@pytest.fixture
async def frame_path(client: TritonClient) -> AsyncIterator[FramePath]:
    async with FramePath(client, SETTINGS) as frame_path:
        yield frame_path


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each frame is of one brightness, which grows with its index."""
    path = tmp_path_factory.mktemp("clips") / "levels.mp4"
    with VideoWriter(path, (WIDTH, HEIGHT), Fraction(30000, 1001)) as writer:
        for index in range(FRAMES):
            image = np.full((HEIGHT, WIDTH, 3), level_of(index), np.uint8)
            writer.write(image, index * 1_001_000_000 // 30)
    return path


def level_of(index: int) -> int:
    """Brightness of a frame of `video`."""
    return 0 if index == BLACK else 74 + 4 * index


def levels_in(batch: PoseBatch) -> NDArray[np.float64]:
    """Brightness of the frame that each person's score tells of."""
    return np.array([level_of_score(score) for score in batch.boxes_px[:, 4]])


def plan(path: Path) -> VideoRun:
    """The video as one run of batches."""
    info = probe_video(path, MediaLimits())
    runs = plan_runs(info, BATCH_FRAMES, 1000)
    return VideoRun(path=path, info=info, batches=runs[0].batches)


async def infer(frame_path: FramePath, path: Path) -> list[PoseBatch]:
    """All batches of a video."""
    return [batch async for batch in frame_path.infer_run(plan(path), await frame_path.networks())]


def check(batches: list[PoseBatch], info: VideoInfo) -> None:
    """Every frame of `video` is there, in its own batch, with its own pixels and time."""
    assert [len(batch.decoded_frames) for batch in batches] == [10, 10, 10, 10, 5]
    decoded = np.concatenate([batch.decoded_frames for batch in batches])
    people = np.concatenate([batch.frame_index for batch in batches])
    assert decoded.tolist() == list(range(FRAMES))
    assert people.tolist() == [index for index in range(FRAMES) if index != BLACK]
    np.testing.assert_array_equal(np.concatenate([batch.decoded_pts_ns for batch in batches]), info.pts_ns)
    levels = np.concatenate([levels_in(batch) for batch in batches])
    np.testing.assert_allclose(levels, [level_of(index) for index in people], atol=1.9)


async def test_every_frame_in_order_with_its_own_pixels(frame_path: FramePath, video: Path) -> None:
    check(await infer(frame_path, video), plan(video).info)


async def test_runs_at_the_same_time_share_the_ring(frame_path: FramePath, video: Path) -> None:
    for batches in await asyncio.gather(*(infer(frame_path, video) for _ in range(3))):
        check(batches, plan(video).info)


@pytest.mark.parametrize("start", [1, 3])
async def test_a_run_may_start_anywhere(frame_path: FramePath, video: Path, start: int) -> None:
    run = plan(video)
    run = replace(run, batches=run.batches[start:])
    got = [batch async for batch in frame_path.infer_run(run, await frame_path.networks())]
    assert [batch.decoded_frames[0] for batch in got] == [batch.start for batch in run.batches]


async def test_large_frames_travel_in_smaller_numbers(client: TritonClient, video: Path) -> None:
    settings = FramePathSettings(frames_per_request=8, slots=2, slot_bytes=2 * FRAME_BYTES + 5)
    async with FramePath(client, settings) as frame_path:
        check(await infer(frame_path, video), plan(video).info)


async def test_between_two_frames_that_the_detector_looks_at(client: TritonClient, video: Path) -> None:
    """Nobody is in frame 20 and somebody in 23: so nobody in 21, which is nearer to 20. Brightness rises
    evenly in all others, and so do scores."""
    whole_run = plan(video)
    networks = await client.networks()
    got = {}
    for frames_per_request, first_batch in ((8, 0), (32, 0), (32, 1)):
        settings = FramePathSettings(frames_per_request=frames_per_request, slots=2)
        async with FramePath(client, settings) as frame_path:
            run = replace(whole_run, batches=whole_run.batches[first_batch:], detector_interval=3)
            got[frames_per_request, first_batch] = [
                batch async for batch in frame_path.infer_run(run, networks)
            ]
    whole = got[8, 0]
    people = np.concatenate([batch.frame_index for batch in whole])
    levels = np.concatenate([levels_in(batch) for batch in whole])
    assert people.tolist() == [index for index in range(FRAMES) if index not in {BLACK, BLACK + 1}]
    expected = [level_of(23 if index == 22 else index) for index in people]
    np.testing.assert_allclose(levels, expected, atol=1.9)
    for (_, first_batch), others in got.items():
        for one, other in zip(whole[first_batch:], others, strict=True):
            np.testing.assert_array_equal(one.boxes_px, other.boxes_px)
            np.testing.assert_array_equal(one.keypoints_px, other.keypoints_px)


async def test_a_frame_that_fits_no_slot(client: TritonClient, video: Path) -> None:
    async with FramePath(client, FramePathSettings(slot_bytes=FRAME_BYTES - 1)) as frame_path:
        with pytest.raises(FrameTooLargeError, match="got 320x180"):
            await infer(frame_path, video)


class RemoteTriton(TritonClient):
    """The server as seen from another machine: it does not find this one's shared memory."""

    async def register_region(self, name: str, key: str, byte_size: int) -> None:
        await super().register_region(name, f"{key}_elsewhere", byte_size)


async def test_a_remote_server_gets_frames_in_request_bodies(probe_triton: TritonServer, video: Path) -> None:
    async with (
        await RemoteTriton.open(probe_triton.url) as client,
        FramePath(client, SETTINGS) as frame_path,
    ):
        check(await infer(frame_path, video), plan(video).info)


async def test_damaged_frames_are_absent(frame_path: FramePath, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "damaged.mkv", Clip(frames=60))
    overwrite_middle(path, 0.4, 0.6)
    run = plan(path)
    readable = [frame.index for frame in decode_span(path, run.info, FrameSpan(0, run.info.frame_count))]
    assert 0 < len(readable) < run.info.frame_count
    got = await infer(frame_path, path)
    assert len(got) == len(run.batches)
    assert np.concatenate([batch.decoded_frames for batch in got]).tolist() == readable


async def test_nothing_to_decode_is_the_videos_fault(
    frame_path: FramePath, video: Path, tmp_path: Path
) -> None:
    path = write_clip(tmp_path / "damaged.mkv", Clip())
    run = plan(path)
    overwrite_middle(path, 0.25, 1)
    with pytest.raises(CorruptVideoError):
        _ = [batch async for batch in frame_path.infer_run(run, await frame_path.networks())]
    check(await infer(frame_path, video), plan(video).info)


async def test_closing_early_gives_the_slots_back(frame_path: FramePath, video: Path) -> None:
    run, networks = plan(video), await frame_path.networks()
    for _ in range(2 * SETTINGS.slots):
        async with aclosing(frame_path.infer_run(run, networks)) as results:
            assert (await anext(results)).decoded_frames[0] == 0
    check(await infer(frame_path, video), run.info)


async def test_cancelling_gives_the_slots_back(frame_path: FramePath, video: Path) -> None:
    cancelled = 0
    for delay_s in np.linspace(0, 0.1, 8):
        task = asyncio.create_task(infer(frame_path, video))
        await asyncio.sleep(delay_s)
        task.cancel()
        await asyncio.wait({task})
        cancelled += task.cancelled()
    assert cancelled > 0
    check(await infer(frame_path, video), plan(video).info)


async def unregister(client: TritonClient, region: str) -> None:
    """As soon as no request reads it."""
    async with asyncio.timeout(10):
        while region in await client.regions():
            with suppress(InferenceError):
                await client.unregister_region(region)


async def test_a_server_that_forgot_the_region_is_told_again(client: TritonClient) -> None:
    """As after a restart of Triton: a request fails as unavailable, the next run registers again."""
    before = set(SHARED_MEMORY.glob(f"{PREFIX}*"))
    shape = (1, HEIGHT, WIDTH, 3)
    ring = await FrameRing.open(client, RingSettings(slots=1, slot_bytes=FRAME_BYTES))
    try:
        (region,) = set(SHARED_MEMORY.glob(f"{PREFIX}*")) - before
        slot = await ring.acquire()
        fill(ring, slot, np.full(shape, 200, np.uint8))
        before_restart = await ring.serving()
        await unregister(client, region.name)
        with pytest.raises(InferenceUnavailableError):
            await ring.infer(slot, shape, before_restart)
        serving = await ring.serving()
        assert len((await ring.infer(slot, shape, serving)).frame_index) == 1
        with pytest.raises(InferenceUnavailableError, match="restarted"):
            await ring.infer(slot, shape, before_restart)
    finally:
        await ring.close()


async def test_a_path_must_be_entered(client: TritonClient, video: Path) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await infer(FramePath(client, SETTINGS), video)


async def test_a_full_shared_memory_is_an_error_not_a_crash(client: TritonClient) -> None:
    ring = await FrameRing.open(client, RingSettings(slots=1, slot_bytes=3 << 40))
    try:
        with pytest.raises(InferenceError, match="expected 3298534883328 free bytes in /dev/shm"):
            ring.places(await ring.acquire(), (1, 1 << 20, 1 << 20, 3))
    finally:
        await ring.close()


_KILLED_OWNER = """
import asyncio, sys, time
from orchestrator.frame_requests import VideoRun
from orchestrator.frame_ring import FrameRing, RingSettings
from orchestrator.triton import TritonClient

async def main():
    client = await TritonClient.open(sys.argv[1])
    await FrameRing.open(client, RingSettings(slots=1, slot_bytes=1000))
    print("open", flush=True)
    time.sleep(60)

asyncio.run(main())
"""


async def test_what_a_killed_owner_left_is_removed(
    probe_triton: TritonServer, client: TritonClient, frame_path: FramePath
) -> None:
    mine = set(SHARED_MEMORY.glob(f"{PREFIX}*"))
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED_OWNER, probe_triton.url, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    assert await asyncio.wait_for(owner.stdout.readline(), timeout=20) == b"open\n"
    (left,) = set(SHARED_MEMORY.glob(f"{PREFIX}*")) - mine
    remove_stale_regions()
    assert left.exists()
    owner.kill()
    await owner.communicate()
    await (await FrameRing.open(client, RingSettings(slots=1, slot_bytes=1000))).close()
    assert not left.exists()
    assert left.name not in await client.regions()
    assert all(path.exists() for path in mine)
