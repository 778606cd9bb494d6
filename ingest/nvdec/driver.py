"""The CUDA driver (libcuda) by ctypes: the few calls that frames need. Names are those of cuda.h."""

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_uint, c_void_p
from typing import Final, TypeAlias

from core.errors import ConfigurationError, UnforeseenError

IPC_HANDLE_BYTES = 64
_STREAM_NON_BLOCKING: Final = 1
_EVENT_BLOCKING: Final = 1
_DEFAULT_STREAM: Final = 0
_EVENT_WITHOUT_TIMING: Final = 2
_LAUNCH_TYPES: Final = (c_void_p, *(c_uint,) * 7, c_void_p, c_void_p, c_void_p)

KernelArgument: TypeAlias = c_void_p | c_int | c_float


class _IpcHandle(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_ubyte * IPC_HANDLE_BYTES),)


class CudaDriver:
    """One GPU's primary context. Its calls raise UnforeseenError with CUDA's name of the error."""

    def __init__(self, number: int) -> None:
        """Raises ConfigurationError without a driver or such a GPU."""
        try:
            self._library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise ConfigurationError(f"expected NVIDIA's driver, got: {error}") from error
        self._launch_kernel = self._library.cuLaunchKernel
        self._launch_kernel.argtypes = _LAUNCH_TYPES
        device, self._context = c_int(), c_void_p()
        try:
            self._call("cuInit", c_uint(0))
            self._call("cuDeviceGet", byref(device), c_int(number))
            self._call("cuDevicePrimaryCtxRetain", byref(self._context), device)
            self.use()
        except UnforeseenError as error:
            raise ConfigurationError(f"expected GPU {number} to work, got: {error}") from error

    def use(self) -> None:
        """Make the context the calling thread's."""
        self._call("cuCtxSetCurrent", self._context)

    def allocate(self, byte_size: int) -> int:
        """Address of new device memory."""
        pointer = c_void_p()
        self._call("cuMemAlloc_v2", byref(pointer), c_size_t(byte_size))
        return pointer.value or 0

    def free(self, pointer: int) -> None:
        """Give device memory back."""
        self._call("cuMemFree_v2", c_void_p(pointer))

    def ipc_handle(self, pointer: int) -> bytes:
        """What another process opens the memory with."""
        handle = _IpcHandle()
        self._call("cuIpcGetMemHandle", byref(handle), c_void_p(pointer))
        return bytes(handle)

    def used_bytes(self) -> int:
        """Device memory in use, by all processes."""
        free, total = c_size_t(), c_size_t()
        self._call("cuMemGetInfo_v2", byref(free), byref(total))
        return total.value - free.value

    def upload(self, pointer: int, host: int, byte_size: int) -> None:
        """Copy from this process to the device; whole there on return, for other processes too."""
        self._call("cuMemcpyHtoD_v2", c_void_p(pointer), c_void_p(host), c_size_t(byte_size))
        # Of pageable memory the call itself waits only until it is staged.
        self.wait_for_stream(_DEFAULT_STREAM)

    def download(self, host: int, pointer: int, byte_size: int) -> None:
        """Copy from the device to this process."""
        self._call("cuMemcpyDtoH_v2", c_void_p(host), c_void_p(pointer), c_size_t(byte_size))

    def new_stream(self) -> int:
        """A `CUstream`."""
        stream = c_void_p()
        self._call("cuStreamCreate", byref(stream), c_uint(_STREAM_NON_BLOCKING))
        return stream.value or 0

    def wait_for_stream(self, stream: int) -> None:
        """Until all work of a stream is done."""
        self._call("cuStreamSynchronize", c_void_p(stream))

    def new_event(self) -> int:
        """A `CUevent`, which is over until it is first recorded."""
        event = c_void_p()
        self._call("cuEventCreate", byref(event), c_uint(_EVENT_BLOCKING | _EVENT_WITHOUT_TIMING))
        return event.value or 0

    def record(self, event: int, stream: int) -> None:
        """Let the event be over when the stream's work so far is done."""
        self._call("cuEventRecord", c_void_p(event), c_void_p(stream))

    def wait_for_event(self, event: int) -> None:
        """Until it is over; the thread sleeps."""
        self._call("cuEventSynchronize", c_void_p(event))

    def kernel(self, ptx: bytes, name: str) -> int:
        """A `CUfunction` of a module in PTX."""
        module, function = c_void_p(), c_void_p()
        self._call("cuModuleLoadData", byref(module), c_char_p(ptx))
        self._call("cuModuleGetFunction", byref(function), module, c_char_p(name.encode()))
        return function.value or 0

    def launch(
        self, kernel: int, grid: tuple[int, int], stream: int, arguments: Sequence[KernelArgument]
    ) -> None:
        """Start a kernel over blocks x threads; arguments are values of its parameters' types."""
        pointers = (c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        blocks, threads = grid
        # By the declared types, not as objects of ctypes: it is called for every picture.
        status = self._launch_kernel(kernel, blocks, 1, 1, threads, 1, 1, 0, stream, pointers, None)
        self._check("cuLaunchKernel", status)

    def _call(self, name: str, *arguments: object) -> None:
        self._check(name, getattr(self._library, name)(*arguments))

    def _check(self, name: str, status: int) -> None:
        if status != 0:
            raise UnforeseenError(f"{name}: {self._error_name(status)}")

    def _error_name(self, status: int) -> str:
        text = c_char_p()
        self._library.cuGetErrorName(c_int(status), byref(text))
        return text.value.decode() if text.value else str(status)
