"""Batches of RGB frames [32, H, W, 3] on the device, as threads decode them or as the CPU did beforehand."""

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.decode_rate import BATCH

SAMPLED_VIDEOS = 3
"""One of each clip of the bench."""
BATCHES_PER_VIDEO = 2
FIRST_FRAME = 100

DecodeVideo = Callable[[Path, Callable[[Tensor], None]], None]
"""Hands a video's frames over, batch by batch, each complete on the device. The last may be a short one."""


class DecodeThreads:
    """Decodes videos in some threads; all batches come out of one bounded queue."""

    def __init__(self, videos: Sequence[Path], threads: int, ahead: int, decode: DecodeVideo) -> None:
        self._waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for video in videos:
            self._waiting.put(video)
        self._batches: queue.Queue[Tensor | None] = queue.Queue(ahead)
        self._threads = threads
        self._decode_video = decode

    def batches(self) -> Iterator[Tensor]:
        """All batches; to be read to the end. Raises what a thread raised."""
        with ThreadPoolExecutor(self._threads, "decode") as pool:
            decoding = [pool.submit(self._decode) for _ in range(self._threads)]
            for _ in decoding:
                yield from iter(self._batches.get, None)
            for each in decoding:
                each.result()

    def _decode(self) -> None:
        try:
            torch.cuda.set_device(0)
            with torch.cuda.stream(torch.cuda.Stream()):
                while True:
                    self._decode_video(self._waiting.get_nowait(), self._batches.put)
        except queue.Empty:
            return
        finally:
            self._batches.put(None)


def sampled_batches(videos: Sequence[Path]) -> list[NDArray[np.uint8]]:
    """Some whole batches of the first videos, decoded on the CPU: what (b) and the ensemble
    by itself both compute, over and over."""
    return [batch for video in videos[:SAMPLED_VIDEOS] for batch in _batches_of(video)]


def _batches_of(video: Path) -> Iterator[NDArray[np.uint8]]:
    count = BATCH * BATCHES_PER_VIDEO
    with av.open(str(video)) as container:
        frames = islice(container.decode(video=0), FIRST_FRAME, FIRST_FRAME + count)
        rgb = [frame.to_ndarray(format="rgb24") for frame in frames]
    for first in range(0, count, BATCH):
        yield np.stack(rgb[first : first + BATCH]).astype(np.uint8, copy=False)
