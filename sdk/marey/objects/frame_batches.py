"""Frame batches."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from marey.objects.collection import Kind, Objects


class FrameBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive frames of a video whose poses are committed together."""

    id: int
    video_id: int
    start: int
    end: int
    """Excluded."""
    input_path: str | None
    results_path: str | None
    status: str
    """queued, completed, failed or cancelled."""
    attempts: int
    """Of the run that the batch belongs to."""


FRAME_BATCH = Kind("frame_batch", FrameBatch)


class FrameBatches(Objects):
    """Operations on frame batches, which the service alone makes."""

    def list_frame_batches(
        self, *, video_id: int | None = None, sort: str | None = None, page_size: int | None = None
    ) -> AsyncIterator[FrameBatch]:
        """Frame batches, of one video if it is given. Sorts: id; `-` reverses."""
        return self._of(FRAME_BATCH).all({"video_id": video_id}, sort, page_size)

    async def get_frame_batch(self, frame_batch_id: int) -> FrameBatch:
        """A frame batch."""
        return await self._of(FRAME_BATCH).read(frame_batch_id)
