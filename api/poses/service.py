"""The poses of a video, while they are made and after."""

import asyncio
from collections.abc import AsyncGenerator

from api.jobs.events import pause
from api.poses.parts import KnownPoses, Piece, PoseHead, PosePart, from_frame, settled_pieces
from biomechanics.summary import FrameRange
from core.errors import ConflictError, InputError, InvalidParameterError, NotReadyError, leaves
from core.poses import PoseBatch, clipped
from core.skeletons import skeleton_of
from orchestrator.objects import ObjectStore
from orchestrator.people import PeopleInOrder
from orchestrator.pose_files import decode_info, decode_poses, index_key
from orchestrator.store import Tenant
from orchestrator.store.poses import PoseStore, StreamedVideo


class Poses:
    """Streams poses from the objects that the workers commit. One object at a time is in memory."""

    def __init__(self, store: PoseStore, objects: ObjectStore, stopping: asyncio.Event) -> None:
        self._store = store
        self._objects = objects
        self._stopping = stopping

    async def parts(
        self, tenant: Tenant, video_id: int, first_frame: int = 0
    ) -> AsyncGenerator[PosePart, None]:
        """The parts from `first_frame` on, as they are committed; returns once every frame was told.

        Those before are read too, for the numbers of their people. Raises NotFoundError, the error of a video
        that failed, ConflictError for one that was cancelled, NotReadyError when the server stops.
        """
        if first_frame < 0:
            raise InvalidParameterError(f"first_frame: expected at least 0, got {first_frame}")
        reading = _Reading(self._objects, await self._store.video(tenant, video_id))
        while not self._stopping.is_set():
            # In this order: of a video that is over, all frame batches are seen.
            video = await self._store.video(tenant, video_id)
            batches = await self._store.batches(tenant, video_id, reading.next_frame)
            pieces = settled_pieces(batches, reading.next_frame)
            for piece in pieces:
                for part in await asyncio.to_thread(reading.read, piece):
                    if (wanted := from_frame(part, first_frame)) is not None:
                        yield wanted
            if reading.has_told_all(video):
                return
            if not pieces:
                _refuse_if_over(video)
                await pause(self._stopping)
        raise NotReadyError


class _Reading:
    """How far one stream is."""

    def __init__(self, objects: ObjectStore, video: StreamedVideo) -> None:
        self.next_frame = 0
        self._objects = objects
        self._video = video
        self._people = PeopleInOrder(video.parameters)
        self._has_head = False
        self._waiting: list[PosePart] = []
        """What is missing before the first poses, which tell what the head needs."""

    def has_told_all(self, video: StreamedVideo) -> bool:
        """Whether nothing more will come."""
        return self._has_head and self.next_frame >= video.frames_total

    def read(self, piece: Piece) -> list[PosePart]:
        """The parts of the next piece; runs in a thread."""
        self.next_frame = piece.span.stop
        if piece.key is None:
            self._waiting.append(FrameRange(first=piece.span.start, last=piece.span.stop - 1))
        else:
            self._take(clipped(decode_poses(self._objects.read(piece.key)), piece.span))
        if not self._has_head:
            return []
        told, self._waiting = self._waiting, []
        return told

    def _take(self, raw: PoseBatch) -> None:
        if not self._has_head:
            self._waiting.insert(0, self._head(raw))
            self._has_head = True
        batch, person_ids = self._people.take(raw)
        self._waiting.append(KnownPoses(batch=batch, person_ids=person_ids))

    def _head(self, raw: PoseBatch) -> PoseHead:
        info = decode_info(self._objects.read(index_key(self._video.results_path)))
        skeleton = skeleton_of(raw.keypoints_px.shape[1])
        return PoseHead(name=self._video.name, info=info, skeleton=skeleton)


def _refuse_if_over(video: StreamedVideo) -> None:
    """Raise why a video that is over has not all of its frames. Only what is the video's fault is an error of
    its kind: the others ended long ago, and asking again changes nothing."""
    if not video.status.is_final:
        return
    code, message = video.error_code or "", video.error_message or ""
    faults = {leaf.code: leaf for leaf in leaves(InputError)}
    if code in faults:
        raise faults[code](message)
    raise ConflictError(
        f"video {video.id}: expected one with all its frames, got one that is {video.status} {code} {message}"
    )
