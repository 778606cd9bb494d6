"""Compile kernels.cu to kernels.ptx: `python -m ingest.nvdec.build_kernels`, after every change of it.

Needs NVRTC (of a CUDA toolkit, or `pip install nvidia-cuda-nvrtc-cu12==12.1.105`), but no GPU. PTX runs on
every GPU from Turing on: the driver compiles it when it is loaded. A newer NVRTC asks for a newer driver.
"""

import argparse
import ctypes
import hashlib
from ctypes import byref, c_char_p, c_size_t, c_void_p
from pathlib import Path

from core.errors import ConfigurationError
from ingest.nvdec.device import PTX

SOURCE = Path(__file__).with_name("kernels.cu")
_OPTIONS = (b"--gpu-architecture=compute_75",)


def source_mark() -> str:
    """First line of the PTX that belongs to the source as it is."""
    return f"// kernels.cu sha256 {hashlib.sha256(SOURCE.read_bytes()).hexdigest()}\n"


def build(nvrtc: str) -> None:
    """Write kernels.ptx. Raises ConfigurationError with the compiler's words."""
    library = ctypes.CDLL(nvrtc)
    program = c_void_p()
    library.nvrtcCreateProgram(byref(program), SOURCE.read_bytes(), b"kernels.cu", 0, None, None)
    options = (c_char_p * len(_OPTIONS))(*_OPTIONS)
    if library.nvrtcCompileProgram(program, len(_OPTIONS), options) != 0:
        raise ConfigurationError(_text(library, "ProgramLog", program))
    PTX.write_text(source_mark() + _text(library, "PTX", program))


def _text(library: ctypes.CDLL, what: str, program: c_void_p) -> str:
    size = c_size_t()
    library[f"nvrtcGet{what}Size"](program, byref(size))
    text = ctypes.create_string_buffer(size.value)
    library[f"nvrtcGet{what}"](program, text)
    return text.value.decode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvrtc", default="libnvrtc.so.12", help="path of the library")
    build(parser.parse_args().nvrtc)
