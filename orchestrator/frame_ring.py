"""A ring of places for the frames of requests to Triton."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from core.errors import FrameTooLargeError, InferenceError, InferenceUnavailableError, UnforeseenError
from core.networks import Networks
from ingest.nvdec.device import Gpu
from ingest.places import Place
from orchestrator.frame_memory import (
    CudaMemory,
    FrameMemory,
    OwnMemory,
    PosixMemory,
    forget_removed_regions,
    remove_stale_regions,
)
from orchestrator.triton import FramePoses, FrameShape, TritonClient

logger = logging.getLogger(__name__)

FORGET_TRIES = 20
FORGET_WAIT_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSettings:
    """Size of a ring. On the GPU its memory is taken at once, else when a slot is first filled."""

    slots: int = 5
    """Requests in flight and those that are being filled."""
    slot_bytes: int = 112 << 20
    """Most bytes of frames in one request; a single larger frame is refused."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for the frames of one request."""

    index: int


@dataclass(slots=True, kw_only=True, eq=False)
class Serving:
    """A server between two restarts."""

    networks: Networks
    is_over: bool = False
    """It was restarted since."""


class FrameRing:
    """Slots of frames. `acquire` waits while all are taken, which is what holds a fast decoder back."""

    def __init__(self, triton: TritonClient, settings: RingSettings, memory: FrameMemory) -> None:
        self._triton = triton
        self._settings = settings
        self._memory = memory
        self._free: asyncio.LifoQueue[Slot] = asyncio.LifoQueue()
        for index in reversed(range(settings.slots)):
            self._free.put_nowait(Slot(index))
        self._serving: Serving | None = None
        self._asking = asyncio.Lock()

    @classmethod
    async def open(cls, triton: TritonClient, settings: RingSettings, gpu: Gpu | None = None) -> Self:
        """Make a ring in the memory that serves best: on `gpu`, shared with Triton, or in this process.

        Raises InferenceUnavailableError if Triton does not answer.
        """
        remove_stale_regions()
        *shared, own = _memories(settings.slots * settings.slot_bytes, gpu)
        for make in shared:
            try:
                return await cls._registered(triton, settings, make)
            except InferenceUnavailableError:
                raise
            except (InferenceError, UnforeseenError) as error:
                logger.warning("frames take a longer way: %s", error, extra={"action": "frame_ring"})
        return await cls._registered(triton, settings, own)

    @classmethod
    async def _registered(
        cls, triton: TritonClient, settings: RingSettings, make: Callable[[], FrameMemory]
    ) -> Self:
        ring = cls(triton, settings, make())
        try:
            await ring.serving()
            if ring.transport != OwnMemory.transport:
                await forget_removed_regions(triton)
        except BaseException:
            await ring.close()
            raise
        return ring

    async def serving(self) -> Serving:
        """Who answers from now on. Triton is let read the ring, again if it was restarted.

        What was asked under an earlier serving fails then, so that no answers of two servers are taken for
        those of one: a restarted one may have other networks.
        """
        async with self._asking:
            if self._serving is not None and await self._memory.is_known(self._triton):
                return self._serving
            if self._serving is not None and self.transport != OwnMemory.transport:
                self._serving.is_over = True
            await self._memory.register(self._triton)
            self._serving = Serving(networks=await self._triton.networks())
            return self._serving

    async def close(self) -> None:
        """Give the memory back. Triton lets go of it here, or when the next ring is made."""
        await self._forget()
        self._memory.close()

    @property
    def transport(self) -> str:
        """How frames reach Triton: `cuda` and `posix` are shared memory, `body` is the request's."""
        return self._memory.transport

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

    def places(self, slot: Slot, shape: FrameShape) -> list[Place]:
        """Where the slot's N frames are written, for `shape` [N, H, W, 3]."""
        return self._memory.places(slot.index * self._settings.slot_bytes, shape)

    async def infer(
        self, slot: Slot, shape: FrameShape, serving: Serving, detected: Sequence[bool] | None = None
    ) -> FramePoses:
        """People of the slot's first frames, see `TritonClient.infer_pose_2d`.

        Raises InferenceUnavailableError if Triton was restarted since `serving`, and in memory that it does
        not know, if it has other networks.
        """
        tensor = self._memory.tensor(slot.index * self._settings.slot_bytes, shape)
        poses = await self._triton.infer_pose_2d(tensor, detected)
        if self.transport == OwnMemory.transport:
            serving.is_over = serving.is_over or await self._triton.networks() != serving.networks
        if serving.is_over:
            raise InferenceUnavailableError("Triton was restarted while frames were on their way")
        return poses

    async def _forget(self) -> None:
        """Requests that were given up may still be reading: they are waited for, a little."""
        for _ in range(FORGET_TRIES):
            try:
                return await self._memory.forget(self._triton)
            except InferenceUnavailableError:
                return None
            except InferenceError as error:
                logger.debug("region in use: %s", error, extra={"action": "frame_ring"})
                await asyncio.sleep(FORGET_WAIT_S)
        return None


def _memories(byte_size: int, gpu: Gpu | None) -> Iterator[Callable[[], FrameMemory]]:
    """Ways to make the ring's memory, the best first."""
    if gpu is not None:
        yield partial(CudaMemory, gpu, byte_size)
    yield partial(PosixMemory, byte_size)
    yield partial(OwnMemory, byte_size)
