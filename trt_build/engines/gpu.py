"""The GPU of this machine, as NVIDIA's driver names it."""

import ctypes
from dataclasses import dataclass

from core.errors import ConfigurationError

_MAJOR, _MINOR = 75, 76
"""cuda.h, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*."""
_NAME_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU."""

    name: str
    compute_capability: str
    """Such as `9.0`."""


def first_gpu() -> Gpu:
    """The first GPU that this process may use. Raises ConfigurationError where there is none."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        return _ask(cuda)
    except OSError as error:
        raise ConfigurationError(f"expected a GPU, for which TensorRT builds, got none: {error}") from error


def _ask(cuda: ctypes.CDLL) -> Gpu:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
    major, minor = ctypes.c_int(), ctypes.c_int()
    _call(cuda.cuInit(0), "cuInit")
    _call(cuda.cuDeviceGet(ctypes.byref(device), 0), "cuDeviceGet")
    _call(cuda.cuDeviceGetName(name, _NAME_BYTES, device), "cuDeviceGetName")
    for value, attribute in ((major, _MAJOR), (minor, _MINOR)):
        _call(cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device), "cuDeviceGetAttribute")
    return Gpu(name=name.value.decode(), compute_capability=f"{major.value}.{minor.value}")


def _call(status: int, name: str) -> None:
    if status != 0:
        raise OSError(f"{name} gave CUDA error {status}")
