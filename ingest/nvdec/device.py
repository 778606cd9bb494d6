"""The GPU's memory, streams and our kernel."""

from ctypes import c_float, c_int, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError, UnforeseenError
from ingest.nvdec.conversion import Conversion
from ingest.nvdec.driver import CudaDriver, KernelArgument
from ingest.places import DevicePlace

PTX = Path(__file__).with_name("kernels.ptx")
_THREADS_PER_BLOCK = 256


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
    """One GPU. Every thread that works with it calls `use` first. Methods raise UnforeseenError."""

    def __init__(self, number: int = 0) -> None:
        """Raises ConfigurationError where there is no driver, no such GPU, or one older than Turing."""
        self.number = number
        self._driver = CudaDriver(number)
        try:
            self._to_rgb = self._driver.kernel(PTX.read_bytes(), "to_rgb")
        except UnforeseenError as error:
            raise ConfigurationError(f"expected GPU {number} to run our kernel, got: {error}") from error

    def use(self) -> None:
        """Make this GPU the calling thread's."""
        self._driver.use()

    def used_bytes(self) -> int:
        """Memory in use, by all processes."""
        return self._driver.used_bytes()

    def stream(self) -> "Stream":
        """A new stream of work, independent of all others."""
        return Stream(self._driver, self._to_rgb)

    def allocate(self, byte_size: int) -> "DeviceMemory":
        """Memory that other processes may open."""
        self.use()
        pointer = self._driver.allocate(byte_size)
        return DeviceMemory(
            gpu=self, pointer=pointer, byte_size=byte_size, handle=self._driver.ipc_handle(pointer)
        )

    def free(self, memory: "DeviceMemory") -> None:
        """Give memory back; nothing may use it any more."""
        self.use()
        self._driver.free(memory.pointer)

    def upload(self, place: DevicePlace, rgb: NDArray[np.uint8]) -> None:
        """Copy a contiguous array to the GPU."""
        self.use()
        self._driver.upload(place.pointer, rgb.ctypes.data, rgb.nbytes)

    def download(self, place: DevicePlace, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Copy a uint8 array of this shape from the GPU."""
        self.use()
        array = np.empty(shape, np.uint8)
        self._driver.download(array.ctypes.data, place.pointer, array.nbytes)
        return array


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

    def __init__(self, driver: CudaDriver, to_rgb: int) -> None:
        self._driver = driver
        self._to_rgb = to_rgb
        self.pointer = driver.new_stream()
        """The `CUstream`."""
        self._converted = driver.new_event()

    def wait(self) -> None:
        """Until all is done."""
        self._driver.wait_for_stream(self.pointer)

    def wait_for_conversions(self) -> None:
        """Until all pictures are written; what was started after them may go on."""
        self._driver.wait_for_event(self._converted)

    def convert(self, picture: Picture, how: Conversion, rotation_deg: int, place: DevicePlace) -> None:
        """Write a picture as displayed RGB; done after `wait_for_conversions`."""
        blocks = -(-picture.height_px * picture.width_px // _THREADS_PER_BLOCK)
        arguments = kernel_arguments(picture, how, rotation_deg, place)
        self._driver.launch(self._to_rgb, (blocks, _THREADS_PER_BLOCK), self.pointer, arguments)
        self._driver.record(self._converted, self.pointer)


def kernel_arguments(
    picture: Picture, how: Conversion, rotation_deg: int, place: DevicePlace
) -> tuple[KernelArgument, ...]:
    """The parameters of `to_rgb` in kernels.cu."""
    return (
        *(c_void_p(pointer) for pointer in (picture.luma, picture.chroma, place.pointer)),
        *(c_int(size) for size in (picture.height_px, picture.width_px, picture.pitch_bytes)),
        c_int(picture.bit_depth > 8),
        c_int(rotation_deg // 90),
        *(c_float(part) for part in (how.luma_offset, how.luma_gain)),
        *(c_float(part) for part in (how.red_v, how.green_u, how.green_v, how.blue_u)),
    )
