"""NVDEC by the product's own decoder: alone, as a worker uses it, and for a script in PyTorch's memory."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import torch
from torch import Tensor

from bench.gpu_batches import BATCH, DecodeVideo
from core.video import FrameSpan, VideoInfo
from ingest.nvdec.cuvid import load
from ingest.nvdec.decoder import NvdecDecoder
from ingest.nvdec.device import DeviceMemory, Gpu
from ingest.nvdec.pool import DecoderPool
from ingest.places import DevicePlace
from ingest.probe import MediaLimits, probe_video


def refuse(reason: str) -> None:
    """A figure that the CPU had a part in would tell nothing."""
    raise RuntimeError(f"expected NVDEC to decode everything, got: {reason}")


class _Slot:
    """Room for one request; its frames are overwritten by those of the next one."""

    def __init__(self, gpu: Gpu, info: VideoInfo) -> None:
        self._frame_bytes = math.prod((info.height_px, info.width_px, 3))
        self.memory: DeviceMemory = gpu.allocate(BATCH * self._frame_bytes)
        self._filled = 0
        self.frames = 0

    def take(self, _: int, settle: Callable[[], None]) -> DevicePlace:
        """See `TakePlace`."""
        if self._filled == BATCH:
            settle()
            self._filled = 0
        self._filled += 1
        self.frames += 1
        return DevicePlace(self.memory.pointer + (self._filled - 1) * self._frame_bytes)


def own_decode_fps(videos: Sequence[Path], threads: int) -> float:
    """Frames per second of so many threads; the videos have pictures of one size."""
    gpu = Gpu()
    decoder = NvdecDecoder(gpu, DecoderPool(load()))
    described = [(path, probe_video(path, MediaLimits())) for path in videos]
    slots = [_Slot(gpu, described[0][1]) for _ in range(threads)]

    waiting = iter(described)
    taking = Lock()

    def decode(slot: _Slot) -> None:
        while True:
            with taking:
                path, info = next(waiting, (None, None))
            if path is None or info is None:
                return
            decoder.decode_into(path, info, FrameSpan(0, info.frame_count), slot.take, refuse)

    start_s = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(decode, slots))
    seconds = time.perf_counter() - start_s
    for slot in slots:
        slot.memory.close()
    decoder.close()
    return sum(slot.frames for slot in slots) / seconds


def own_decode_video() -> DecodeVideo:
    """A decoder for `DecodeThreads`; its pictures are written into PyTorch's memory, at their places."""
    decoder = NvdecDecoder(Gpu(), DecoderPool(load()))

    def decode(video: Path, hand_over: Callable[[Tensor], None]) -> None:
        info = probe_video(video, MediaLimits())
        batch = _TorchBatch(info, hand_over)
        decoder.decode_into(video, info, FrameSpan(0, info.frame_count), batch.take, refuse)
        batch.hand_over()

    return decode


class _TorchBatch:
    """A batch that fills up, and the next one; PyTorch reuses its memory when its readers are done."""

    def __init__(self, info: VideoInfo, hand_over: Callable[[Tensor], None]) -> None:
        self._shape = (BATCH, info.height_px, info.width_px, 3)
        self._hand_over = hand_over
        self._filled = 0
        self._frames = self._empty()

    def take(self, _: int, settle: Callable[[], None]) -> DevicePlace:
        """See `TakePlace`."""
        if self._filled == BATCH:
            settle()
            self.hand_over()
        self._filled += 1
        return DevicePlace(self._frames[self._filled - 1].data_ptr())

    def hand_over(self) -> None:
        """What is filled and settled."""
        if self._filled:
            self._hand_over(self._frames[: self._filled])
        self._filled, self._frames = 0, self._empty()

    def _empty(self) -> Tensor:
        return torch.empty(self._shape, dtype=torch.uint8, device="cuda")
