"""NVDEC on a real GPU: the same frames as the CPU's decoder, from decoders that are kept, without a leak."""

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.video import FrameSpan, VideoInfo
from ingest.nvdec.cuvid import load
from ingest.nvdec.decoder import NvdecDecoder
from ingest.nvdec.device import DeviceMemory, Gpu
from ingest.nvdec.pool import DecoderPool
from ingest.probe import MediaLimits, probe_video
from ingest.runs import plan_runs
from tests.services.nvdec_clips import (
    LARGEST_MEAN_DIFFERENCE,
    Kind,
    decoded_on_device,
    expected_frames,
    kinds,
    write_kind,
)

pytestmark = pytest.mark.gpu

THREADS = 14
CLIPS = 2000
SETTLING_CLIPS = 400
LARGEST_GROWTH_BYTES = 32 << 20
MEMORY_BYTES = 256 << 20


@pytest.fixture
def memory(gpu: Gpu) -> Iterator[DeviceMemory]:
    memory = gpu.allocate(MEMORY_BYTES)
    yield memory
    memory.close()


@pytest.fixture
def pool(gpu: Gpu) -> DecoderPool:
    return DecoderPool(load())


@pytest.fixture
def decoder(gpu: Gpu, pool: DecoderPool) -> Iterator[NvdecDecoder]:
    decoder = NvdecDecoder(gpu, pool)
    yield decoder
    decoder.close()


def write_short(folder: Path) -> Path:
    """A clip of 30 frames."""
    return write_kind(folder, kinds()[0])


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_frames_are_the_cpu_decoders(
    kind: Kind, decoder: NvdecDecoder, gpu: Gpu, memory: DeviceMemory, tmp_path: Path
) -> None:
    path = write_kind(tmp_path, kind)
    info = probe_video(path, MediaLimits())
    for span in (FrameSpan(0, info.frame_count), *(run.span for run in plan_runs(info, 4, 2))):
        expected = expected_frames(path, info, span)
        indices, images = decoded_on_device(decoder, gpu, memory.pointer, path, info, span)
        assert indices == [frame.index for frame in expected]
        for image, frame in zip(images, expected, strict=True):
            assert np.abs(image.astype(int) - frame.image).mean() <= LARGEST_MEAN_DIFFERENCE


def test_runs_at_the_same_time(
    decoder: NvdecDecoder, pool: DecoderPool, gpu: Gpu, memory: DeviceMemory, tmp_path: Path
) -> None:
    path = write_short(tmp_path)
    info = probe_video(path, MediaLimits())
    whole = FrameSpan(0, info.frame_count)
    expected = expected_frames(path, info, whole)

    def one(number: int) -> bool:
        indices, images = decoded_on_device(decoder, gpu, part_of(memory, number), path, info, whole)
        difference = max(
            np.abs(image.astype(int) - frame.image).mean()
            for image, frame in zip(images, expected, strict=True)
        )
        return len(indices) == info.frame_count and bool(difference <= LARGEST_MEAN_DIFFERENCE)

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(5):
            assert all(threads.map(one, range(THREADS)))
    assert pool.made <= THREADS


@pytest.mark.timeout(300)
def test_no_memory_is_lost_over_many_clips(
    decoder: NvdecDecoder, pool: DecoderPool, gpu: Gpu, memory: DeviceMemory, tmp_path: Path
) -> None:
    path = write_short(tmp_path)
    info = probe_video(path, MediaLimits())
    decode_many(decoder, gpu, memory, path, info, SETTLING_CLIPS)
    before = used_bytes(gpu)
    decode_many(decoder, gpu, memory, path, info, CLIPS - SETTLING_CLIPS)
    growth = [after - start for after, start in zip(used_bytes(gpu), before, strict=True)]
    assert max(growth) < LARGEST_GROWTH_BYTES
    assert pool.made <= THREADS


def decode_many(
    decoder: NvdecDecoder, gpu: Gpu, memory: DeviceMemory, path: Path, info: VideoInfo, count: int
) -> None:
    """Decode the first frames of a clip, again and again, in some threads."""

    def decode(thread: int) -> None:
        for number in range(thread, count, THREADS):
            span = FrameSpan(0, 5 + number % 10)
            indices, _ = decoded_on_device(decoder, gpu, part_of(memory, thread), path, info, span)
            assert len(indices) == span.frame_count

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(decode, range(THREADS)))


def part_of(memory: DeviceMemory, thread: int) -> int:
    """Where a thread's own part begins."""
    return memory.pointer + thread % THREADS * (MEMORY_BYTES // THREADS // 256 * 256)


def used_bytes(gpu: Gpu) -> tuple[int, int]:
    """Memory of this process, and of the GPU."""
    gc.collect()
    return psutil.Process(os.getpid()).memory_info().rss, gpu.used_bytes()
