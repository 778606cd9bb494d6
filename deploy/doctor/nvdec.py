"""How many NVDEC engines the first GPU has.

The driver is asked by ctypes, for which nothing needs to be installed, and in a process of its own: a driver
that crashes takes only that with it.
"""

import ctypes
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_H264, _CHROMA_420 = 4, 1
"""cuviddec.h, `cudaVideoCodec` and `cudaVideoChromaFormat`."""
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nvdec:
    """The decoders of a GPU."""

    engines: int = 0
    problem: str = ""
    """Why they cannot be used, if they cannot."""


class _DecodeCaps(ctypes.Structure):
    """cuviddec.h, `CUVIDDECODECAPS`: 88 bytes, of which only these matter here."""

    _fields_ = (
        ("codec", ctypes.c_int),
        ("chroma_format", ctypes.c_int),
        ("bit_depth_minus_8", ctypes.c_uint),
        ("reserved", ctypes.c_uint * 3),
        ("is_supported", ctypes.c_ubyte),
        ("engines", ctypes.c_ubyte),
        ("rest", ctypes.c_ubyte * 62),
    )


def probe_nvdec() -> Nvdec:
    """Ask the driver for H.264 decoders."""
    try:
        result = subprocess.run(
            [sys.executable, str(Path(__file__))],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Nvdec(problem=f"the driver did not answer in {_TIMEOUT_S:.0f} s")
    return parse_answer(result.returncode, result.stdout, result.stderr)


def parse_answer(status: int, output: str, errors: str) -> Nvdec:
    """What the process said."""
    if status == 0:
        return Nvdec(engines=int(output))
    lines = errors.strip().splitlines()
    return Nvdec(problem=lines[-1] if lines else f"asking the driver ended with status {status}")


def _ask_driver() -> int:
    """Raises OSError for a missing library or a call that fails."""
    cuda, cuvid = ctypes.CDLL("libcuda.so.1"), ctypes.CDLL("libnvcuvid.so.1")
    context = ctypes.c_void_p()
    _call(cuda.cuInit(0), "cuInit")
    _call(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0), "cuDevicePrimaryCtxRetain")
    _call(cuda.cuCtxSetCurrent(context), "cuCtxSetCurrent")
    caps = _DecodeCaps(codec=_H264, chroma_format=_CHROMA_420)
    _call(cuvid.cuvidGetDecoderCaps(ctypes.byref(caps)), "cuvidGetDecoderCaps")
    return int(caps.engines) if caps.is_supported else 0


def _call(status: int, name: str) -> None:
    if status != 0:
        raise OSError(f"{name} gave CUDA error {status}")


if __name__ == "__main__":
    try:
        sys.stdout.write(str(_ask_driver()))
    except (OSError, AttributeError) as error:
        sys.exit(str(error))
