"""The way of a run's frames: decoder thread -> ring slots -> Triton -> pose batches, in order."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import (
    InferenceError,
    InferenceLostError,
    InferenceUnavailableError,
    KillingFrameError,
    ModelContractError,
)
from core.networks import Networks
from core.poses import PoseBatch
from ingest.places import CpuDecoder, FrameDecoder
from orchestrator.batch_assembly import BatchAssembly
from orchestrator.frame_memory import CudaMemory
from orchestrator.frame_requests import (
    FrameRequest,
    RequestFiller,
    RequestPort,
    RunStoppedError,
    VideoRun,
)
from orchestrator.frame_ring import FrameRing, RingSettings, Serving, Slot
from orchestrator.gpu_decoding import GpuDecoding
from orchestrator.triton import FramePoses, TritonClient

REQUESTS_AHEAD = 64
"""Requests whose poses may wait for the caller; then decoding waits too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePathSettings:
    """How frames travel to Triton."""

    frames_per_request: int = 8
    """At most; the server may take fewer."""
    slots: int = 5
    """Requests in flight and those that are being filled, of all runs together."""
    slot_bytes: int = 112 << 20
    """Most bytes of frames in one request: large frames travel in smaller numbers."""


class FramePath:
    """Poses of videos. One per process, an async context manager; runs share its ring of frames."""

    def __init__(
        self, triton: TritonClient, settings: FramePathSettings, gpu: GpuDecoding | None = None
    ) -> None:
        """With `gpu`, frames are decoded there into memory that Triton reads, if it can."""
        self._triton = triton
        self._settings = settings
        self._gpu = gpu
        self._decoder: FrameDecoder = CpuDecoder()
        self._ring: FrameRing | None = None

    async def __aenter__(self) -> Self:
        settings = RingSettings(slots=self._settings.slots, slot_bytes=self._settings.slot_bytes)
        self._ring = await FrameRing.open(self._triton, settings, self._gpu.gpu if self._gpu else None)
        if self._gpu is not None and self._ring.transport == CudaMemory.transport:
            self._decoder = self._gpu.decoder
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ring is not None:
            await self._ring.close()

    async def networks(self) -> Networks:
        """What Triton serves now. Raises InferenceError leaves."""
        return (await self._open_ring().serving()).networks

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """One pose batch per frame batch, in order; damaged frames are absent from `decoded_frames`.

        Of a run `alone` each request leaves once the one before was answered: if Triton ends,
        KillingFrameError tells with which frame.
        Raises MediaError leaves if nothing can be decoded and InferenceError leaves if Triton fails, or does
        not serve `networks` all the time.
        Closing the iterator early (`contextlib.aclosing`) stops the decoder and gives all slots back.
        """
        ring = self._open_ring()
        serving = await ring.serving()
        if serving.networks != networks:
            raise InferenceUnavailableError(f"Triton: expected networks {networks}, got {serving.networks}")
        if run.alone:
            await self._see_it_compute()
        frames_max = min(
            self._settings.frames_per_request,
            self._triton.frames_per_request_max,
            ring.frames_per_slot(run.info.height_px, run.info.width_px),
        )
        flow = _Flow(ring, serving, run.alone)
        filler = RequestFiller(run, self._decoder, ring, frames_max, flow.port())
        assembly = BatchAssembly(run.batches, self._triton.joint_count)
        async with aclosing(flow.results(filler.fill)) as results:
            async for result in results:
                for batch in assembly.take(_in_video(result)):
                    yield batch
        for batch in assembly.rest():
            yield batch

    async def _see_it_compute(self) -> None:
        """So that no frame is blamed for what was there before. Raises InferenceUnavailableError."""
        try:
            await self._triton.canary()
        except (InferenceError, ModelContractError) as error:
            raise InferenceUnavailableError(f"Triton does not compute: {error}") from error

    def _open_ring(self) -> FrameRing:
        if self._ring is None:
            raise RuntimeError("FramePath: expected `async with` around its use")
        return self._ring


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Result:
    """A request and its answer."""

    request: FrameRequest
    poses: FramePoses


class _Flow:
    """One run under way, on the event loop; its decoder runs in a thread."""

    def __init__(self, ring: FrameRing, serving: Serving, alone: bool) -> None:
        self._ring = ring
        self._serving = serving
        self._alone = alone
        self._turn = asyncio.Semaphore(1 if alone else REQUESTS_AHEAD)
        self._loop = asyncio.get_running_loop()
        self._held: set[Slot] = set()
        self._ahead = asyncio.Semaphore(REQUESTS_AHEAD)
        self._inferring: set[asyncio.Task[_Result]] = set()
        self._in_order: asyncio.Queue[asyncio.Task[_Result] | None] = asyncio.Queue()
        self._borrowing: Future[Slot] | None = None
        self._stopped = False

    def port(self) -> RequestPort:
        """For the decoder. Nothing here refers to it: its frames go when it ends, not at some collection."""
        return RequestPort(borrow=self._borrow, emit=self._emit)

    async def results(self, fill: Callable[[], None]) -> AsyncGenerator[_Result, None]:
        """The requests that `fill` emits with their answers, in order."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="decode")
        decoding = self._loop.run_in_executor(executor, fill)
        decoding.add_done_callback(lambda _: self._in_order.put_nowait(None))
        executor.shutdown(wait=False)
        try:
            while (task := await self._in_order.get()) is not None:
                yield await task
                self._ahead.release()
            await decoding
        finally:
            await self._stop(decoding)

    async def _stop(self, decoding: asyncio.Future[None]) -> None:
        self._stopped = True
        if self._borrowing is not None:
            self._borrowing.cancel()
        for task in self._inferring:
            task.cancel()
        await asyncio.gather(decoding, *self._inferring, return_exceptions=True)
        for slot in list(self._held):
            self._give_back(slot)

    def _borrow(self) -> Slot:
        """In the decoder's thread: wait for a slot. The loop's side sets `_stopped` before it cancels."""
        self._borrowing = asyncio.run_coroutine_threadsafe(self._lend(), self._loop)
        if self._stopped:
            self._borrowing.cancel()
        try:
            return self._borrowing.result()
        except CancelledError as error:
            raise RunStoppedError from error

    def _emit(self, request: FrameRequest) -> None:
        """In the decoder's thread."""
        self._loop.call_soon_threadsafe(self._start, request)

    async def _lend(self) -> Slot:
        await self._ahead.acquire()
        slot = await self._ring.acquire()
        self._held.add(slot)
        return slot

    def _start(self, request: FrameRequest) -> None:
        if self._stopped:
            return
        task = self._loop.create_task(self._infer(request), name=f"infer {request.frames[0]}")
        self._inferring.add(task)
        task.add_done_callback(self._finished)
        self._in_order.put_nowait(task)

    def _finished(self, task: asyncio.Task[_Result]) -> None:
        """Also looks at the error of a request that nobody will wait for, as asyncio asks."""
        self._inferring.discard(task)
        if not task.cancelled():
            task.exception()

    async def _infer(self, request: FrameRequest) -> _Result:
        try:
            async with self._turn:
                poses = await self._ring.infer(request.slot, request.shape, self._serving, request.detected)
        except InferenceLostError as error:
            if not self._alone:
                raise
            raise _killed_by(request.frames, error) from error
        finally:
            self._give_back(request.slot)
        return _Result(request=request, poses=poses)

    def _give_back(self, slot: Slot) -> None:
        if slot in self._held:
            self._held.remove(slot)
            self._ring.release(slot)


def _killed_by(frames: NDArray[np.int32], error: InferenceLostError) -> KillingFrameError:
    first, last = int(frames[0]), int(frames[-1])
    named = f"frame {first}" if first == last else f"frames {first} to {last}"
    return KillingFrameError(f"{named}: {error}", first if first == last else None)


def _in_video(result: _Result) -> PoseBatch:
    """A request's frames and answer; frame indices become the video's."""
    request, poses = result.request, result.poses
    return PoseBatch(
        decoded_frames=request.frames,
        decoded_pts_ns=request.pts_ns,
        frame_index=request.frames[poses.frame_index],
        boxes_px=poses.boxes_px,
        keypoints_px=poses.keypoints_px,
        cpu_reason=request.cpu_reason,
    )
