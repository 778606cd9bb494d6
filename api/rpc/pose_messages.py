"""Parts of a stream of poses -> messages of `marey.v1`."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from marey.v1 import poses_pb2

from api.poses.parts import KnownPoses, PoseHead, PosePart
from biomechanics.summary import FrameRange
from orchestrator.people import rows_by_frame

_MESSAGE_BYTES = 256 << 10
"""About the size of a message of frames, if one frame is not larger."""
_FLOAT_BYTES = 4
_PERSON_BYTES = 48
"""Of a person beside the keypoints."""

Answer = TypeVar("Answer", poses_pb2.StreamPosesResponse, poses_pb2.AnalyzeResponse)


def pose_answers(part: PosePart, answer: type[Answer]) -> Iterator[Answer]:
    """The messages that tell of a part."""
    if isinstance(part, PoseHead):
        yield answer(header=_header(part))
    elif isinstance(part, FrameRange):
        yield answer(missing=poses_pb2.MissingFrames(first_frame=part.first, last_frame=part.last))
    else:
        for frames in _groups(part):
            yield answer(frames=poses_pb2.FramePoses(frames=frames))


def _header(head: PoseHead) -> poses_pb2.PoseHeader:
    return poses_pb2.PoseHeader(
        video_name=head.name,
        width_px=head.info.width_px,
        height_px=head.info.height_px,
        frame_count=head.info.frame_count,
        frame_rate_numerator=head.info.frame_rate.numerator,
        frame_rate_denominator=head.info.frame_rate.denominator,
        skeleton=head.skeleton.name,
        joints=head.skeleton.joints,
    )


def _groups(poses: KnownPoses) -> Iterator[list[poses_pb2.Frame]]:
    """The frames, as many at a time as make a message of a good size."""
    joints = poses.batch.keypoints_px.shape[1]
    person_bytes = _PERSON_BYTES + 3 * _FLOAT_BYTES * joints
    group: list[poses_pb2.Frame] = []
    group_bytes = 0
    for frame in _frames(poses):
        group.append(frame)
        group_bytes += person_bytes * (1 + len(frame.people))
        if group_bytes >= _MESSAGE_BYTES:
            yield group
            group, group_bytes = [], 0
    if group:
        yield group


def _frames(poses: KnownPoses) -> Iterator[poses_pb2.Frame]:
    batch = poses.batch
    rows_of = dict(rows_by_frame(batch.frame_index))
    nobody = slice(0, 0)
    for index, pts_ns in zip(batch.decoded_frames.tolist(), batch.decoded_pts_ns.tolist(), strict=True):
        rows = np.arange(len(batch.frame_index))[rows_of.get(index, nobody)]
        yield poses_pb2.Frame(
            index=index, pts_ns=pts_ns, people=[_person(poses, row) for row in rows.tolist()]
        )


def _person(poses: KnownPoses, row: int) -> poses_pb2.Person:
    x1, y1, x2, y2, score = poses.batch.boxes_px[row].tolist()
    x_px, y_px, confidence = poses.batch.keypoints_px[row].T.tolist()
    return poses_pb2.Person(
        person_id=int(poses.person_ids[row]),
        box=poses_pb2.Box(x1_px=x1, y1_px=y1, x2_px=x2, y2_px=y2, score=score),
        x_px=x_px,
        y_px=y_px,
        confidence=confidence,
    )
