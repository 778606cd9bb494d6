"""NVDEC by PyNvVideoCodec: H.264 to RGB on the device. It brings a CUDA 12 runtime into the process."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import PyNvVideoCodec
import torch
from torch import Tensor

from bench.decode_rate import BATCH, DecodeRate, middle_fps
from bench.gpu_batches import DecodeThreads


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


def decode_rate(videos: Sequence[Path], threads: int) -> DecodeRate:
    """The rate of so many threads."""
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    frames, times_s = 0, []
    for batch in DecodeThreads(videos, threads, 2 * threads, decode_video).batches():
        frames += len(batch)
        times_s.append(time.perf_counter())
    return DecodeRate(
        fps=frames / (times_s[-1] - start_s),
        middle_fps=middle_fps(times_s, BATCH),
        cpu_us=(time.process_time() - start_cpu_s) * 1e6 / frames,
    )
