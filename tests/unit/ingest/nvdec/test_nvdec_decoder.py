"""NvdecDecoder against the CPU's decoder, with the driver's calls in software."""

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import CorruptVideoError
from core.video import FrameSpan, VideoInfo
from ingest.nvdec.cuvid import CuvidCalls
from ingest.nvdec.decoder import NvdecDecoder
from ingest.nvdec.pool import DecoderPool
from ingest.places import DevicePlace, TellReason, tell_nobody
from ingest.probe import MediaLimits, probe_video
from ingest.runs import plan_runs
from tests.media import Clip, truncate, write_clip
from tests.services.nvdec_clips import LARGEST_MEAN_DIFFERENCE, Kind, expected_frames, kinds, write_kind
from tests.services.software_nvdec import HostGpu, SoftwareNvdec


@pytest.fixture
def gpu() -> HostGpu:
    return HostGpu()


def decoder_for(path: Path, gpu: HostGpu) -> tuple[NvdecDecoder, SoftwareNvdec, VideoInfo]:
    info = probe_video(path, MediaLimits())
    turned = info.rotation_deg in {90, 270}
    size_px = (info.height_px, info.width_px) if turned else (info.width_px, info.height_px)
    calls = SoftwareNvdec(size_px, 10 if "10_bit" in path.name else 8)
    return NvdecDecoder(gpu, DecoderPool(cast(CuvidCalls, calls))), calls, info


def decoded(
    decoder: NvdecDecoder, path: Path, info: VideoInfo, span: FrameSpan, tell: TellReason = tell_nobody
) -> tuple[list[int], list[NDArray[np.uint8]]]:
    indices: list[int] = []
    images: list[NDArray[np.uint8]] = []

    def take(index: int, _settle: Callable[[], None]) -> DevicePlace:
        indices.append(index)
        images.append(np.zeros((info.height_px, info.width_px, 3), np.uint8))
        return DevicePlace(images[-1].ctypes.data)

    decoder.decode_into(path, info, span, take, tell)
    return indices, images


def spans(info: VideoInfo) -> Iterator[FrameSpan]:
    """The whole video, and its runs."""
    yield FrameSpan(0, info.frame_count)
    yield from (run.span for run in plan_runs(info, 4, 2))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_frames_are_the_cpu_decoders(kind: Kind, gpu: HostGpu, tmp_path: Path) -> None:
    path = write_kind(tmp_path, kind)
    decoder, calls, info = decoder_for(path, gpu)
    reasons: list[str] = []
    for span in spans(info):
        expected = expected_frames(path, info, span)
        indices, images = decoded(decoder, path, info, span, reasons.append)
        assert indices == [frame.index for frame in expected]
        for image, frame in zip(images, expected, strict=True):
            assert np.abs(image.astype(int) - frame.image).mean() <= LARGEST_MEAN_DIFFERENCE
    assert kind.by_nvdec in {None, gpu.uploads == 0}
    assert bool(reasons) == (gpu.uploads > 0)
    assert calls.mapped == 0


def test_decoders_are_reconfigured_rather_than_rebuilt(gpu: HostGpu, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", Clip())
    decoder, calls, info = decoder_for(path, gpu)
    for _ in range(5):
        decoded(decoder, path, info, FrameSpan(0, 5))
    assert (calls.alive, calls.reconfigured) == (1, 4)
    decoder.close()
    assert calls.alive == 0


def test_the_end_of_a_transport_stream_is_the_cpus(gpu: HostGpu, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.ts", Clip(frames=30, options={"g": "10", "bf": "0"}))
    decoder, _, info = decoder_for(path, gpu)
    reasons: list[str] = []
    indices, _ = decoded(decoder, path, info, FrameSpan(0, 20), reasons.append)
    assert (len(indices), reasons) == (20, [])
    indices, _ = decoded(decoder, path, info, FrameSpan(20, 30), reasons.append)
    assert (len(indices), reasons) == (10, ["the last picture of a transport stream may be cut off"])


def test_what_stops_the_caller_stops_the_decoder(gpu: HostGpu, tmp_path: Path) -> None:
    class StopError(Exception): ...

    def take(index: int, _settle: Callable[[], None]) -> DevicePlace:
        raise StopError

    path = write_clip(tmp_path / "clip.mp4", Clip())
    decoder, calls, info = decoder_for(path, gpu)
    with pytest.raises(StopError):
        decoder.decode_into(path, info, FrameSpan(0, 30), take)
    assert (calls.alive, calls.mapped) == (0, 0)


def test_nothing_decodable_is_the_cpu_decoders_error(gpu: HostGpu, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", Clip(options={"g": "10", "bf": "0"}))
    decoder, _, info = decoder_for(path, gpu)
    truncate(path, 0.99)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    data[start + 4 : start + 4 + 40_000] = bytes(min(40_000, len(data) - start - 4))
    path.write_bytes(data)
    with pytest.raises(CorruptVideoError):
        decoder.decode_into(path, info, FrameSpan(0, 10), lambda *_: DevicePlace(ctypes.addressof(_SINK)))


_SINK = (ctypes.c_ubyte * (128 * 96 * 3))()
