"""The rate of NVDEC alone by the product's own decoder, as a worker uses it: frames settled in 32s."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock, local
from typing import cast

from bench.decode_rate import BATCH, DecodeRate, middle_fps
from core.video import FrameSpan, VideoInfo
from ingest.nvdec.cuvid import CuvidCalls, load
from ingest.nvdec.decoder import NvdecDecoder
from ingest.nvdec.device import DeviceMemory, Gpu
from ingest.nvdec.pool import DecoderPool
from ingest.places import DevicePlace
from ingest.probe import MediaLimits, probe_video

_PARSE = "cuvidParseVideoData"
"""It calls us back; the time of what those callbacks call is not counted twice."""


def refuse(reason: str) -> None:
    """A figure that the CPU had a part in would tell nothing."""
    raise RuntimeError(f"expected NVDEC to decode everything, got: {reason}")


class TimedCalls:
    """The driver's calls, and how long this thread was within each."""

    def __init__(self, calls: CuvidCalls) -> None:
        self._calls = calls
        self._thread = local()

    def __getattr__(self, name: str) -> Callable[..., int]:
        call = getattr(self._calls, name)

        def timed(*arguments: object) -> int:
            start_s = time.perf_counter()
            status: int = call(*arguments)
            if name != _PARSE:
                self.taken_s[name] += time.perf_counter() - start_s
            return status

        setattr(self, name, timed)
        return timed

    @property
    def taken_s(self) -> defaultdict[str, float]:
        """Seconds of the calling thread, by call."""
        if not hasattr(self._thread, "taken_s"):
            self._thread.taken_s = defaultdict(float)
        return cast("defaultdict[str, float]", self._thread.taken_s)


class _Slot:
    """Room for one request; its frames are overwritten by those of the next one."""

    def __init__(self, gpu: Gpu, info: VideoInfo) -> None:
        self._frame_bytes = math.prod((info.height_px, info.width_px, 3))
        self.memory: DeviceMemory = gpu.allocate(BATCH * self._frame_bytes)
        self._filled = 0
        self.frames = 0
        self.settling_s = 0.0
        self.times_s: list[float] = []
        """When each batch was whole."""

    def take(self, _: int, settle: Callable[[], None]) -> DevicePlace:
        """See `TakePlace`."""
        if self._filled == BATCH:
            start_s = time.perf_counter()
            settle()
            self.times_s.append(time.perf_counter())
            self.settling_s += self.times_s[-1] - start_s
            self._filled = 0
        self._filled += 1
        self.frames += 1
        return DevicePlace(self.memory.pointer + (self._filled - 1) * self._frame_bytes)


def own_decode_rate(videos: Sequence[Path], threads: int) -> DecodeRate:
    """The rate of so many threads; the videos have pictures of one size."""
    gpu = Gpu()
    calls = TimedCalls(load())
    decoder = NvdecDecoder(gpu, DecoderPool(cast("CuvidCalls", calls)))
    described = [(path, probe_video(path, MediaLimits())) for path in videos]
    slots = [_Slot(gpu, described[0][1]) for _ in range(threads)]

    waiting = iter(described)
    taking = Lock()

    def decode(slot: _Slot) -> dict[str, float]:
        start_s = time.perf_counter()
        while True:
            with taking:
                path, info = next(waiting, (None, None))
            if path is None or info is None:
                break
            decoder.decode_into(path, info, FrameSpan(0, info.frame_count), slot.take, refuse)
        taken_s = {**calls.taken_s, "settle": slot.settling_s}
        return {**taken_s, "rest": time.perf_counter() - start_s - sum(taken_s.values())}

    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        taken_s = list(pool.map(decode, slots))
    seconds, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    frames = sum(slot.frames for slot in slots)
    for slot in slots:
        slot.memory.close()
    decoder.close()
    return DecodeRate(
        fps=frames / seconds,
        middle_fps=middle_fps([each for slot in slots for each in slot.times_s], BATCH),
        cpu_us=cpu_s * 1e6 / frames,
        calls_us={
            name: round(sum(thread.get(name, 0) for thread in taken_s) * 1e6 / frames, 1)
            for name in sorted(set().union(*taken_s))
        },
    )
