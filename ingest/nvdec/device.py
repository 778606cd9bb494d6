"""The GPU's memory, streams and our kernel, by CuPy, which is imported here and nowhere else in `ingest`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError, UnforeseenError
from ingest.nvdec.conversion import Conversion
from ingest.places import DevicePlace

KERNELS = Path(__file__).with_name("kernels.cu")
_THREADS_PER_BLOCK = 256
_HOST_TO_DEVICE, _DEVICE_TO_HOST = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A decoded picture in the decoder's memory: NV12, or P016 of more than 8 bits."""

    luma: int
    """Device address of the first row."""
    chroma: int
    """Likewise, of interleaved U and V."""
    pitch_bytes: int
    height_px: int
    width_px: int
    bit_depth: int


class Gpu:
    """One GPU. Every thread that works with it calls `use` first."""

    def __init__(self, number: int = 0) -> None:
        """Raises ConfigurationError where CuPy is not installed or finds no such GPU."""
        try:
            import cupy
        except ImportError as error:
            raise ConfigurationError(f"expected the package cupy (group `gpu`), got: {error}") from error
        self.number = number
        self._cupy: Any = cupy
        try:
            self.use()
            self._cupy.cuda.runtime.memGetInfo()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise ConfigurationError(f"expected GPU {number} to work, got: {error}") from error

    def use(self) -> None:
        """Make this GPU the calling thread's."""
        self._cupy.cuda.runtime.setDevice(self.number)

    def used_bytes(self) -> int:
        """Memory in use, by all processes."""
        with self._errors():
            free, total = self._cupy.cuda.runtime.memGetInfo()
        used: int = total - free
        return used

    def stream(self) -> "Stream":
        """A new stream of work, independent of all others."""
        return Stream(self._cupy.cuda.Stream(non_blocking=True), self._to_rgb)

    def allocate(self, byte_size: int) -> "DeviceMemory":
        """Memory that other processes may open. Raises UnforeseenError where there is not enough."""
        with self._errors():
            pointer = self._cupy.cuda.runtime.malloc(byte_size)
            handle: bytes = self._cupy.cuda.runtime.ipcGetMemHandle(pointer)
        return DeviceMemory(gpu=self, pointer=pointer, byte_size=byte_size, handle=handle)

    def free(self, memory: "DeviceMemory") -> None:
        """Give memory back; nothing may use it any more."""
        with self._errors():
            self.use()
            self._cupy.cuda.runtime.free(memory.pointer)

    def upload(self, place: DevicePlace, rgb: NDArray[np.uint8]) -> None:
        """Copy a contiguous array to the GPU."""
        with self._errors():
            self.use()
            runtime = self._cupy.cuda.runtime
            runtime.memcpy(place.pointer, rgb.ctypes.data, rgb.nbytes, _HOST_TO_DEVICE)

    def download(self, place: DevicePlace, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Copy a uint8 array of this shape from the GPU."""
        array = np.empty(shape, np.uint8)
        with self._errors():
            self.use()
            runtime = self._cupy.cuda.runtime
            runtime.memcpy(array.ctypes.data, place.pointer, array.nbytes, _DEVICE_TO_HOST)
        return array

    @cached_property
    def _to_rgb(self) -> Any:
        return self._cupy.RawModule(code=KERNELS.read_text(), options=("--std=c++17",)).get_function("to_rgb")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._cupy.cuda.runtime.CUDARuntimeError as error:
            raise UnforeseenError(f"GPU {self.number}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """Memory on a GPU that other processes may open."""

    gpu: Gpu
    pointer: int
    byte_size: int
    handle: bytes
    """CUDA's 64 bytes (`cudaIpcMemHandle_t`)."""

    def close(self) -> None:
        """Give the memory back."""
        self.gpu.free(self)


class Stream:
    """Work of one thread for the GPU, done in order."""

    def __init__(self, stream: Any, to_rgb: Any) -> None:
        self._stream = stream
        self._to_rgb = to_rgb

    @property
    def pointer(self) -> int:
        """The `CUstream`."""
        pointer: int = self._stream.ptr
        return pointer

    def wait(self) -> None:
        """Until all is done."""
        self._stream.synchronize()

    def convert(self, picture: Picture, how: Conversion, rotation_deg: int, place: DevicePlace) -> None:
        """Write a picture as displayed RGB; done after `wait`."""
        blocks = -(-picture.height_px * picture.width_px // _THREADS_PER_BLOCK)
        arguments = (
            *(np.uint64(pointer) for pointer in (picture.luma, picture.chroma, place.pointer)),
            *(np.int32(size) for size in (picture.height_px, picture.width_px, picture.pitch_bytes)),
            np.int32(picture.bit_depth > 8),
            np.int32(rotation_deg // 90),
            *(np.float32(part) for part in (how.luma_offset, how.luma_gain)),
            *(np.float32(part) for part in (how.red_v, how.green_u, how.green_v, how.blue_u)),
        )
        self._to_rgb((blocks,), (_THREADS_PER_BLOCK,), arguments, stream=self._stream)
