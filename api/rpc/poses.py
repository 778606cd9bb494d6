"""`marey.v1.PoseService`: poses while they are made."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from marey.v1 import poses_pb2_grpc
from marey.v1.poses_pb2 import (
    AnalyzeRequest,
    AnalyzeResponse,
    StreamPosesRequest,
    StreamPosesResponse,
    VideoSpec,
)

from api.dependencies import Services
from api.jobs.schemas import DEFAULT_PIPELINE
from api.poses.analysis import Analysis
from api.rpc.gate import Call
from api.rpc.messages import parameters_of
from api.rpc.pose_messages import pose_answers
from core.errors import InvalidParameterError

_MAX_NAME_LENGTH = 200


class PoseServicer(poses_pb2_grpc.PoseServiceServicer):
    """Poses of videos."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def StreamPoses(
        self, request: StreamPosesRequest, call: Call
    ) -> AsyncGenerator[StreamPosesResponse, None]:
        """The poses of a video of a job, in the order of its frames, as they are committed."""
        parts = self._services.poses.parts(call.tenant, request.video_id, request.first_frame)
        async with aclosing(parts):
            async for part in parts:
                for answer in pose_answers(part, StreamPosesResponse):
                    yield answer

    async def Analyze(
        self, requests: AsyncIterator[AnalyzeRequest], call: Call
    ) -> AsyncGenerator[AnalyzeResponse, None]:
        """The poses of the video that the requests bring."""
        spec = await _spec_of(requests)
        asked, pipeline = parameters_of(spec.parameters), spec.pipeline or DEFAULT_PIPELINE
        terms = await self._services.jobs.terms(call.tenant, pipeline, asked)
        analysis = Analysis(name=spec.name or "video", terms=terms)
        parts = self._services.analyses.parts(call.tenant, analysis, _chunks(requests))
        async with aclosing(parts):
            async for part in parts:
                for answer in pose_answers(part, AnalyzeResponse):
                    yield answer


async def _spec_of(requests: AsyncIterator[AnalyzeRequest]) -> VideoSpec:
    first = await anext(requests, AnalyzeRequest())
    if first.WhichOneof("part") != "video":
        raise InvalidParameterError(f"expected `video` in the first message, got {first.WhichOneof('part')}")
    if len(first.video.name) > _MAX_NAME_LENGTH:
        raise InvalidParameterError(
            f"name: expected at most {_MAX_NAME_LENGTH} characters, got {len(first.video.name)}"
        )
    return first.video


async def _chunks(requests: AsyncIterator[AnalyzeRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.WhichOneof("part") != "chunk":
            raise InvalidParameterError("expected `chunk` after the first message, got another part")
        yield request.chunk
