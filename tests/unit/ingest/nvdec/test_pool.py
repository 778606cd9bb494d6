"""Which decoder serves which video, and the driver's structures."""

import ctypes
from dataclasses import replace

import pytest

from ingest.nvdec import cuvid
from ingest.nvdec.pool import Decoder, DecoderSpec, decoder_for

SPEC = DecoderSpec(codec=4, bit_depth=8, coded_px=(1280, 720), display_area=(0, 0, 1280, 720), surfaces=12)
DECODER = Decoder(handle=1, codec=4, bit_depth=8, max_px=(1920, 1088), surfaces=20)


@pytest.mark.parametrize(
    ("spec", "serves"),
    [
        (SPEC, True),
        (replace(SPEC, codec=8), False),
        (replace(SPEC, bit_depth=10), False),
        (replace(SPEC, coded_px=(1080, 1920)), False),
        (replace(SPEC, coded_px=(1920, 1088)), True),
        (replace(SPEC, surfaces=21), False),
    ],
)
def test_what_a_decoder_can_be_reconfigured_for(spec: DecoderSpec, serves: bool) -> None:
    assert DECODER.serves(spec) == serves


def test_the_smallest_that_serves_is_taken() -> None:
    large = replace(DECODER, handle=2, max_px=(3840, 2160))
    assert decoder_for(SPEC, [large, DECODER]) == DECODER
    assert decoder_for(replace(SPEC, coded_px=(3840, 2160)), [large, DECODER]) == large
    assert decoder_for(SPEC, []) is None


def test_odd_sizes_are_written_even_and_not_scaled() -> None:
    spec = replace(SPEC, display_area=(0, 0, 321, 241))
    assert (spec.display_px, spec.target_px) == ((321, 241), (322, 242))


@pytest.mark.parametrize(
    ("structure", "byte_size"),
    [
        (cuvid.DecodeCaps, 88),
        (cuvid.VideoFormat, 64),
        (cuvid.DecoderCreateInfo, 176),
        (cuvid.ReconfigureInfo, 128),
        (cuvid.DisplayInfo, 24),
        (cuvid.DecodeStatus, 192),
        (cuvid.MapParameters, 264),
        (cuvid.SourcePacket, 32),
        (cuvid.ParserParameters, 136),
    ],
)
def test_structures_have_the_sizes_of_the_headers(structure: type[ctypes.Structure], byte_size: int) -> None:
    """`sizeof` by a C compiler, of the headers of the Video Codec SDK (nv-codec-headers)."""
    assert ctypes.sizeof(structure) == byte_size
