"""NVDEC by PyNvVideoCodec: H.264 to RGB on the device. It brings a CUDA 12 runtime into the process."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import PyNvVideoCodec
import torch
from torch import Tensor

from bench.gpu_batches import BATCH, DecodeThreads


def decode_video(video: Path, hand_over: Callable[[Tensor], None]) -> None:
    """A `DecodeVideo`."""
    stream = torch.cuda.current_stream()
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
        hand_over(batch)
        left -= len(frames)


def decode_fps(videos: Sequence[Path], threads: int) -> float:
    """Frames per second of so many threads."""
    start_s = time.perf_counter()
    decoding = DecodeThreads(videos, threads, 2 * threads, decode_video)
    frames = sum(len(batch) for batch in decoding.batches())
    return frames / (time.perf_counter() - start_s)
