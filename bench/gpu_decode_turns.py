"""NVDEC alone by PyNvVideoCodec and by ours in turns, each time in a process of its own."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from bench.decode_rate import DecodeRate
from bench.phases import say

THREADS = (8, 12, 14)
"""The last is what a worker has: two for each of the chip's engines."""


def decode_turns(videos: Sequence[Path]) -> dict[str, object]:
    """Frames per second by the number of threads, ours as `own_...`, and what else was measured."""
    found: dict[str, object] = {}
    for threads in THREADS:
        for name, measure in (("", _theirs), ("own_", _ours)):
            # Sessions that an earlier measurement left behind would keep engines.
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                rate = fresh.submit(measure, videos, threads).result()
            found[f"{name}{threads}"] = round(rate.fps)
            found[f"{name}{threads}_more"] = asdict(rate)
            say(found)
    return found


def _theirs(videos: Sequence[Path], threads: int) -> DecodeRate:
    from bench.gpu_decode import decode_rate

    decode_rate(videos[:2], 2)
    return decode_rate(videos, threads)


def _ours(videos: Sequence[Path], threads: int) -> DecodeRate:
    from bench.gpu_own_rate import own_decode_rate

    own_decode_rate(videos[:2], 2)
    return own_decode_rate(videos, threads)
