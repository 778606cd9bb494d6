"""A ring of frame buffers that Triton reads in place: POSIX shared memory, or plain memory for a remote one.

A region's file is locked by its owner as long as that lives, so what a killed owner left is recognised
(its lock is free) and removed by the next ring on this machine.
"""

import asyncio
import logging
import math
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from core.errors import FrameTooLargeError, InferenceError, InferenceUnavailableError
from core.locks import try_lock
from orchestrator.triton import FramePoses, FrameShape, RegionFrames, TritonClient

logger = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")
PREFIX = "marey_frames_"
FORGET_TRIES = 20
FORGET_WAIT_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSettings:
    """Size of a ring. Memory is taken when a slot is first filled."""

    slots: int = 5
    """Requests in flight and one that is being filled."""
    slot_bytes: int = 112 << 20
    """Most bytes of frames in one request; a single larger frame is refused."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for the frames of one request."""

    index: int


class FrameRing:
    """Slots of frames. `acquire` waits while all are taken, which is what holds a fast decoder back."""

    def __init__(self, triton: TritonClient, settings: RingSettings) -> None:
        self._triton = triton
        self._settings = settings
        self._memory = _SharedMemory(settings.slots * settings.slot_bytes)
        self._region: str | None = self._memory.name
        self._free: asyncio.LifoQueue[Slot] = asyncio.LifoQueue()
        for index in reversed(range(settings.slots)):
            self._free.put_nowait(Slot(index))

    @classmethod
    async def open(cls, triton: TritonClient, settings: RingSettings) -> Self:
        """Make a ring and let Triton read it; if it cannot (another machine), frames go in request bodies."""
        remove_stale_regions()
        ring = cls(triton, settings)
        try:
            await ring.register()
            await _forget_removed_regions(triton)
        except InferenceUnavailableError:
            await ring.close()
            raise
        except InferenceError as error:
            logger.warning("frames travel in request bodies: %s", error, extra={"action": "frame_ring"})
            ring._region = None
        return ring

    async def register(self) -> None:
        """Let Triton read the ring, again if it was restarted."""
        if self._region is not None:
            await self._triton.register_region(self._region, f"/{self._memory.name}", self._memory.byte_size)

    async def close(self) -> None:
        """Remove the shared memory. Triton lets go of it here, or when the next ring is made."""
        self._memory.close()
        if self._region is not None:
            await _forget(self._triton, self._region)

    @property
    def is_shared(self) -> bool:
        """Whether Triton reads the frames in place."""
        return self._region is not None

    def frames_per_slot(self, height_px: int, width_px: int) -> int:
        """How many RGB frames of a size fit into a slot. Raises FrameTooLargeError if none does."""
        count = self._settings.slot_bytes // (height_px * width_px * 3)
        if count == 0:
            raise FrameTooLargeError(
                f"expected frames of at most {self._settings.slot_bytes // 3} pixels, "
                f"got {width_px}x{height_px}"
            )
        return count

    async def acquire(self) -> Slot:
        """Wait for a free slot."""
        return await self._free.get()

    def release(self, slot: Slot) -> None:
        """Give a slot back."""
        self._free.put_nowait(slot)

    def array(self, slot: Slot, shape: FrameShape) -> NDArray[np.uint8]:
        """The slot's memory as frames [N, H, W, 3]."""
        return self._memory.array(slot.index * self._settings.slot_bytes, shape)

    async def infer(self, slot: Slot, shape: FrameShape) -> FramePoses:
        """People of the slot's first frames."""
        if self._region is None:
            return await self._triton.infer_pose_2d(self.array(slot, shape))
        offset_bytes = slot.index * self._settings.slot_bytes
        return await self._triton.infer_pose_2d(
            RegionFrames(region=self._region, offset_bytes=offset_bytes, shape=shape)
        )


class _SharedMemory:
    """One file of /dev/shm, mapped and locked."""

    def __init__(self, byte_size: int) -> None:
        self.byte_size = byte_size
        self.name, self._descriptor = _locked_file()
        os.truncate(self._descriptor, byte_size)
        self._map = mmap.mmap(self._descriptor, byte_size)
        self._taken_bytes: dict[int, int] = {}

    def array(self, offset_bytes: int, shape: FrameShape) -> NDArray[np.uint8]:
        """A view. Its memory is taken here, because touching a page that a full /dev/shm lacks kills."""
        byte_size = math.prod(shape)
        if self._taken_bytes.get(offset_bytes, 0) < byte_size:
            self._take(offset_bytes, byte_size)
        return np.frombuffer(self._map, np.uint8, byte_size, offset_bytes).reshape(shape)

    def close(self) -> None:
        (SHARED_MEMORY / self.name).unlink(missing_ok=True)
        os.close(self._descriptor)

    def _take(self, offset_bytes: int, byte_size: int) -> None:
        try:
            os.posix_fallocate(self._descriptor, offset_bytes, byte_size)
        except OSError as error:
            raise InferenceError(
                f"expected {byte_size} free bytes in {SHARED_MEMORY}, got: {error.strerror}"
            ) from error
        self._taken_bytes[offset_bytes] = byte_size


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


async def _forget_removed_regions(triton: TritonClient) -> None:
    """Triton keeps a dead worker's region until it is told. Only for a Triton that shares our memory."""
    for name in await triton.regions():
        if name.startswith(PREFIX) and not (SHARED_MEMORY / name).exists():
            await _forget(triton, name)


async def _forget(triton: TritonClient, region: str) -> None:
    """Requests that were given up may still be reading: they are waited for, a little."""
    for _ in range(FORGET_TRIES):
        try:
            return await triton.unregister_region(region)
        except InferenceUnavailableError:
            return None
        except InferenceError as error:
            logger.debug("region in use: %s", error, extra={"action": "frame_ring"})
            await asyncio.sleep(FORGET_WAIT_S)
    return None


def _locked_file() -> tuple[str, int]:
    """Name and descriptor of a new file; made again if another process took it for stale before the lock."""
    while True:
        path = SHARED_MEMORY / f"{PREFIX}{uuid4().hex}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        if try_lock(descriptor) and os.fstat(descriptor).st_nlink:
            return path.name, descriptor
        os.close(descriptor)
