"""Writes a video's result files from its poses, going through them once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from biomechanics.files.tables import KeypointTableWriter
from biomechanics.smoothing import PeopleBatch, TrackSmoother
from biomechanics.summary import FailedRange, VideoSummary, VideoSummaryBuilder
from core.poses import PoseBatch
from core.skeletons import Skeleton
from core.video import FrameSpan, VideoInfo
from ingest.decoder import decode_span
from orchestrator.people import PeopleInOrder, rows_by_frame
from orchestrator.stages.overlay import FramePeople, OverlayFormat, write_overlay
from orchestrator.store.flow import VideoSource

_SCALES = {"full": 1.0, "half": 0.5}


class Collection:
    """One pass over a video's poses. What it writes lies in `folder` under the names of the results."""

    def __init__(self, folder: Path, source: VideoSource, info: VideoInfo, skeleton: Skeleton) -> None:
        self._folder = folder
        self._source = source
        self._info = info
        self._skeleton = skeleton
        self._identities = PeopleInOrder(source.parameters)
        cutoff_hz = source.parameters.smoothing_cutoff_hz
        self._smoother = None if cutoff_hz is None else TrackSmoother(cutoff_hz, info.pts_ns)

    def write(
        self, batches: Iterator[PoseBatch], video: Path, failed_ranges: Sequence[FailedRange] = ()
    ) -> VideoSummary:
        """Write the tables, the overlay of `video` unless it is off, and the summary, which is returned."""
        smoothing = None if self._smoother is None else self._smoother.smoothing
        with KeypointTableWriter(
            self._folder / "keypoints.csv",
            self._folder / "keypoints.parquet",
            self._source.name,
            self._skeleton,
            smoothing,
        ) as table:
            summary = VideoSummaryBuilder(self._source.name, self._info, self._skeleton)
            people = self._people(batches, table, summary)
            if self._source.parameters.overlay in _SCALES:
                self._write_overlay(video, people)
            for _ in people:
                pass
        networks = self._source.networks or {}
        built = replace(
            summary.build(), networks=networks, smoothing=smoothing, failed_ranges=tuple(failed_ranges)
        )
        (self._folder / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(built)))
        return built

    def _write_overlay(self, video: Path, people: Iterator[FramePeople]) -> None:
        layout = OverlayFormat(
            info=self._info,
            scale=_SCALES[self._source.parameters.overlay],
            skeleton=self._skeleton,
        )
        picture = np.empty((self._info.height_px, self._info.width_px, 3), np.uint8)
        whole = FrameSpan(0, self._info.frame_count)
        frames = decode_span(video, self._info, whole, lambda _: picture)
        write_overlay(self._folder / "overlay.mp4", layout, frames, people)

    def _people(
        self, batches: Iterator[PoseBatch], table: KeypointTableWriter, summary: VideoSummaryBuilder
    ) -> Iterator[FramePeople]:
        """The people of each frame, written to `table` and `summary` on the way."""
        for batch, person_ids in self._smoothed(map(self._identities.take, batches)):
            table.append(batch, person_ids)
            summary.append(batch, person_ids)
            for frame, rows in rows_by_frame(batch.frame_index):
                yield FramePeople(
                    frame_index=frame,
                    boxes_px=batch.boxes_px[rows],
                    keypoints_px=batch.keypoints_px[rows],
                    person_ids=person_ids[rows],
                )

    def _smoothed(self, batches: Iterator[PeopleBatch]) -> Iterator[PeopleBatch]:
        return batches if self._smoother is None else self._smoother.stream(batches)
