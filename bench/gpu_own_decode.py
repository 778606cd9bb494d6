"""NVDEC by the product's own decoder for a script, in PyTorch's memory."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bench.decode_rate import BATCH
from bench.gpu_batches import DecodeVideo
from bench.gpu_own_rate import refuse
from core.video import FrameSpan, VideoInfo
from ingest.nvdec.cuvid import load
from ingest.nvdec.decoder import NvdecDecoder
from ingest.nvdec.device import Gpu
from ingest.nvdec.pool import DecoderPool
from ingest.places import DevicePlace
from ingest.probe import MediaLimits, probe_video


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
