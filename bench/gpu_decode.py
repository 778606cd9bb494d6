"""NVDEC alone: threads that decode H.264 to RGB on the device with PyNvVideoCodec."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import PyNvVideoCodec
import torch
from torch import Tensor

BATCH = 32


class DecodeThreads:
    """Decodes videos in some threads; batches of RGB frames [32, H, W, 3] come out of one bounded queue."""

    def __init__(self, videos: Sequence[Path], threads: int, ahead: int) -> None:
        self._waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for video in videos:
            self._waiting.put(video)
        self._batches: queue.Queue[Tensor | None] = queue.Queue(ahead)
        self._threads = [threading.Thread(target=self._decode, daemon=True) for _ in range(threads)]

    def batches(self) -> Iterator[Tensor]:
        """Batches until every video is decoded."""
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            batch = self._batches.get()
            if batch is None:
                running -= 1
            else:
                yield batch

    def _decode(self) -> None:
        torch.cuda.set_device(0)
        stream = torch.cuda.Stream()
        try:
            with torch.cuda.stream(stream):
                while not self._waiting.empty():
                    self._decode_video(self._waiting.get(timeout=1), stream)
        finally:
            self._batches.put(None)

    def _decode_video(self, video: Path, stream: torch.cuda.Stream) -> None:
        decoder = PyNvVideoCodec.SimpleDecoder(
            str(video),
            gpu_id=0,
            cuda_stream=stream.cuda_stream,
            use_device_memory=True,
            output_color_type=PyNvVideoCodec.OutputColorType.RGB,
            decoder_cache_size=1,
        )
        left = len(decoder)
        while left > 0:
            frames = decoder.get_batch_frames(min(BATCH, left))
            if not frames:
                break
            batch = torch.stack([torch.from_dlpack(frame) for frame in frames])
            stream.synchronize()
            self._batches.put(batch)
            left -= len(frames)


def decode_fps(videos: Sequence[Path], threads: int) -> float:
    """Frames per second of so many threads."""
    start_s = time.perf_counter()
    frames = sum(len(batch) for batch in DecodeThreads(videos, threads, 2 * threads).batches())
    return frames / (time.perf_counter() - start_s)
