"""Memory for frames on their way to Triton: on the GPU, in POSIX shared memory, or in this process alone.

A shared region has a file that its owner keeps locked as long as that lives, so what a killed owner left is
recognised (its lock is free) and removed by the next ring on this machine.
"""

import logging
import math
import mmap
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from core.errors import InferenceError, InferenceUnavailableError
from core.locks import try_lock
from ingest.nvdec.device import Gpu
from ingest.places import DevicePlace, Place
from orchestrator.triton import FrameShape, RegionFrames, TritonClient

logger = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")
PREFIX = "marey_frames_"


class FrameMemory(Protocol):
    """Bytes for frames that a request to Triton can name or carry."""

    @property
    def transport(self) -> str:
        """`cuda`, `posix` or `body`."""

    def places(self, offset_bytes: int, shape: FrameShape) -> list[Place]:
        """Where frames [N, H, W, 3] that start at an offset are written. Raises InferenceError if full."""

    def tensor(self, offset_bytes: int, shape: FrameShape) -> RegionFrames | NDArray[np.uint8]:
        """The same frames as a request has them."""

    async def is_known(self, triton: TritonClient) -> bool:
        """Whether Triton reads it: no, once it was restarted."""

    async def register(self, triton: TritonClient) -> None:
        """Let Triton read it; nothing happens where it already does. Raises InferenceError leaves."""

    async def forget(self, triton: TritonClient) -> None:
        """Triton lets go of it; an InferenceError while requests still read it."""

    def close(self) -> None:
        """Give the memory back."""


class CudaMemory:
    """Memory on a GPU that Triton opens too."""

    transport = "cuda"

    def __init__(self, gpu: Gpu, byte_size: int) -> None:
        """Raises UnforeseenError where the GPU has not enough."""
        gpu.use()
        self._memory = gpu.allocate(byte_size)
        self._owner = _OwnerFile()

    def places(self, offset_bytes: int, shape: FrameShape) -> list[Place]:
        """See `FrameMemory`."""
        start = self._memory.pointer + offset_bytes
        return [DevicePlace(start + number * math.prod(shape[1:])) for number in range(shape[0])]

    def tensor(self, offset_bytes: int, shape: FrameShape) -> RegionFrames:
        """See `FrameMemory`."""
        return RegionFrames(region=self._owner.name, offset_bytes=offset_bytes, shape=shape)

    async def is_known(self, triton: TritonClient) -> bool:
        """See `FrameMemory`."""
        return self._owner.name in await triton.device_regions()

    async def register(self, triton: TritonClient) -> None:
        """See `FrameMemory`."""
        memory = self._memory
        await triton.register_device_region(
            self._owner.name, memory.handle, memory.gpu.number, memory.byte_size
        )

    async def forget(self, triton: TritonClient) -> None:
        """See `FrameMemory`."""
        await triton.unregister_device_region(self._owner.name)

    def close(self) -> None:
        """See `FrameMemory`."""
        self._owner.close()
        self._memory.close()


class PosixMemory:
    """A file of /dev/shm, mapped. Memory is taken when it is first used."""

    transport = "posix"

    def __init__(self, byte_size: int) -> None:
        self._byte_size = byte_size
        self._owner = _OwnerFile()
        os.truncate(self._owner.descriptor, byte_size)
        self._map = mmap.mmap(self._owner.descriptor, byte_size)
        self._taken_bytes: dict[int, int] = {}

    def places(self, offset_bytes: int, shape: FrameShape) -> list[Place]:
        """See `FrameMemory`. Memory is taken here: touching a page that a full /dev/shm lacks kills."""
        byte_size = math.prod(shape)
        if self._taken_bytes.get(offset_bytes, 0) < byte_size:
            self._take(offset_bytes, byte_size)
        return list(np.frombuffer(self._map, np.uint8, byte_size, offset_bytes).reshape(shape))

    def tensor(self, offset_bytes: int, shape: FrameShape) -> RegionFrames:
        """See `FrameMemory`."""
        return RegionFrames(region=self._owner.name, offset_bytes=offset_bytes, shape=shape)

    async def is_known(self, triton: TritonClient) -> bool:
        """See `FrameMemory`."""
        return self._owner.name in await triton.regions()

    async def register(self, triton: TritonClient) -> None:
        """See `FrameMemory`."""
        await triton.register_region(self._owner.name, f"/{self._owner.name}", self._byte_size)

    async def forget(self, triton: TritonClient) -> None:
        """See `FrameMemory`."""
        await triton.unregister_region(self._owner.name)

    def close(self) -> None:
        """See `FrameMemory`. What nobody has an array on any more goes at once."""
        self._owner.close()
        del self._map

    def _take(self, offset_bytes: int, byte_size: int) -> None:
        try:
            os.posix_fallocate(self._owner.descriptor, offset_bytes, byte_size)
        except OSError as error:
            raise InferenceError(
                f"expected {byte_size} free bytes in {SHARED_MEMORY}, got: {error.strerror}"
            ) from error
        self._taken_bytes[offset_bytes] = byte_size


class OwnMemory:
    """Memory of this process; frames travel in the bodies of requests."""

    transport = "body"

    def __init__(self, byte_size: int) -> None:
        self._bytes = mmap.mmap(-1, byte_size)

    def places(self, offset_bytes: int, shape: FrameShape) -> list[Place]:
        """See `FrameMemory`."""
        return list(self.tensor(offset_bytes, shape))

    def tensor(self, offset_bytes: int, shape: FrameShape) -> NDArray[np.uint8]:
        """See `FrameMemory`."""
        return np.frombuffer(self._bytes, np.uint8, math.prod(shape), offset_bytes).reshape(shape)

    async def is_known(self, triton: TritonClient) -> bool:
        """It says nothing about the server."""
        return False

    async def register(self, triton: TritonClient) -> None:
        """Triton need not know it."""

    async def forget(self, triton: TritonClient) -> None:
        """Triton does not know it."""

    def close(self) -> None:
        """The memory goes with the last array on it."""


async def forget_removed_regions(triton: TritonClient) -> None:
    """Triton keeps a dead worker's regions until it is told. Only for one on this machine."""
    for name in await triton.regions():
        if _is_removed(name):
            await _forgotten(triton.unregister_region(name))
    for name in await _device_regions(triton):
        if _is_removed(name):
            await _forgotten(triton.unregister_device_region(name))


def remove_stale_regions() -> None:
    """Remove the regions whose owners are dead."""
    for path in SHARED_MEMORY.glob(f"{PREFIX}*"):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except (FileNotFoundError, PermissionError):
            continue
        try:
            if try_lock(descriptor):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


class _OwnerFile:
    """A region's file in /dev/shm, locked by this process."""

    def __init__(self) -> None:
        self.name, self.descriptor = _locked_file()

    def close(self) -> None:
        (SHARED_MEMORY / self.name).unlink(missing_ok=True)
        os.close(self.descriptor)


async def _device_regions(triton: TritonClient) -> set[str]:
    """Those of a server that was built without CUDA: none."""
    try:
        return await triton.device_regions()
    except InferenceUnavailableError:
        raise
    except InferenceError:
        return set()


def _is_removed(name: str) -> bool:
    return name.startswith(PREFIX) and not (SHARED_MEMORY / name).exists()


async def _forgotten(unregistering: Awaitable[None]) -> None:
    """Another ring may be faster, and requests of the dead may still read."""
    try:
        await unregistering
    except InferenceError as error:
        logger.debug("region in use: %s", error, extra={"action": "frame_ring"})


def _locked_file() -> tuple[str, int]:
    """Name and descriptor of a new file; made again if another process took it for stale before the lock."""
    while True:
        path = SHARED_MEMORY / f"{PREFIX}{uuid4().hex}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        if try_lock(descriptor) and os.fstat(descriptor).st_nlink:
            return path.name, descriptor
        os.close(descriptor)
