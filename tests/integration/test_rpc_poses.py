"""StreamPoses while a job runs, on real Postgres and NATS, with a pose source in place of Triton."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import numpy as np
import pyarrow.parquet as pq
import pytest
from marey.v1.poses_pb2 import Frame, StreamPosesRequest, StreamPosesResponse
from marey.v1.poses_pb2_grpc import PoseServiceStub
from prometheus_client import CollectorRegistry

from api.rpc.settings import RpcSettings
from api.service import open_services, rpc_beside
from api.settings import ApiSettings
from core.errors import CorruptVideoError
from core.jobs import JobStatus
from core.networks import Networks
from core.poses import PoseBatch
from core.skeletons import HALPE_26
from core.video import FrameSpan
from orchestrator.frame_requests import VideoRun
from tests.media import Clip, write_clip
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses
from tests.services.rpc import DEADLINE_S
from tests.services.running import free_port
from tests.services.waiting import eventually

FRAMES = 96
CUT = {"overlay": "off", "frame_batch_frames": 8, "batches_per_run": 2}
KEYFRAMES = {"g": "16", "bf": "0", "sc_threshold": "0"}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=FRAMES, options=KEYFRAMES))
    return zip_of(tmp_path / "package.zip", {"run.mp4": clip})


class Streams:
    """A client of PoseService on the test's own event loop."""

    def __init__(self, channel: grpc.aio.Channel, api_key: str, metrics: CollectorRegistry) -> None:
        self._metrics = metrics
        self._stub = PoseServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {api_key}"),)

    def open(
        self, video_id: int, first_frame: int = 0
    ) -> "grpc.aio.UnaryStreamCall[object, StreamPosesResponse]":
        request = StreamPosesRequest(video_id=video_id, first_frame=first_frame)
        call: grpc.aio.UnaryStreamCall[object, StreamPosesResponse] = self._stub.StreamPoses(
            request, timeout=DEADLINE_S, metadata=self._metadata
        )
        return call

    def ended(self, status: str) -> float:
        """How many streams ended so at the server."""
        labels = {"method": "/marey.v1.PoseService/StreamPoses", "status": status}
        return self._metrics.get_sample_value("marey_rpc_calls_total", labels) or 0

    async def all(self, video_id: int, first_frame: int = 0) -> list[StreamPosesResponse]:
        return [answer async for answer in self.open(video_id, first_frame)]


@asynccontextmanager
async def streams_of(system: System, folder: Path) -> AsyncIterator[Streams]:
    """A gRPC server beside the orchestrator."""
    settings = ApiSettings(
        services=system.settings,
        secret=b"x" * 32,
        admin_key_file=folder / "api-key",
        rpc=(rpc := RpcSettings(port=free_port(), public_url="http://rest.example")),
    )
    async with (
        open_services(settings, lambda store, *_: {"postgres": store.ping}) as services,
        rpc_beside(services, settings.rpc, 5),
        grpc.aio.insecure_channel(rpc.address) as channel,
    ):
        yield Streams(channel, (folder / "api-key").read_text(), services.http_metrics.registry)


def frames_of(answers: list[StreamPosesResponse]) -> list[Frame]:
    return [frame for answer in answers if answer.HasField("frames") for frame in answer.frames.frames]


def missing_in(answers: list[StreamPosesResponse]) -> list[int]:
    ranges = [answer.missing for answer in answers if answer.HasField("missing")]
    return [index for gap in ranges for index in range(gap.first_frame, gap.last_frame + 1)]


async def first_video(system: System, job_id: int) -> int:
    """The id of the job's video, once there is one."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not (videos := await system.store.videos(job_id)):
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.02)
    return videos[0].id


async def begun(call: "grpc.aio.UnaryStreamCall[object, StreamPosesResponse]") -> None:
    """Wait for a stream's header."""
    assert (await anext(aiter(call))).HasField("header")


async def test_every_frame_once_and_in_order_while_the_job_runs(
    system: System, package: Path, tmp_path: Path
) -> None:
    async with system.working(KnownPoses(delay_s=0.15)), streams_of(system, tmp_path) as streams:
        job_id = await system.submit(package, CUT)
        video_id = await first_video(system, job_id)
        first, *answers = await streams.all(video_id)
        status_at_the_last_frame = (await system.store.job(job_id)).status
        assert (await system.ended(job_id)).status is JobStatus.COMPLETED
        after = await streams.all(video_id)
    header = first.header
    assert (header.video_name, header.frame_count) == ("run.mp4", FRAMES)
    assert (header.skeleton, tuple(header.joints)) == ("halpe_26", HALPE_26.joints)
    assert (header.frame_rate_numerator, header.frame_rate_denominator) == (30_000, 1001)
    frames = frames_of(answers)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert len(answers) > 1
    assert status_at_the_last_frame in {JobStatus.RUNNING, JobStatus.COLLECTING, JobStatus.COMPLETED}
    assert frames_of(after) == frames


async def test_the_poses_are_those_of_the_tables(system: System, package: Path, tmp_path: Path) -> None:
    async with system.working(KnownPoses()), streams_of(system, tmp_path) as streams:
        job_id = await system.submit(package, CUT)
        await system.ended(job_id)
        (video,) = await system.store.videos(job_id)
        frames = frames_of(await streams.all(video.id))
    table = pq.read_table(system.objects.local_path(f"{video.results_path}keypoints.parquet"))
    rows = [(frame, person) for frame in frames for person in frame.people]
    assert table["frame"].to_pylist() == [frame.index for frame, _ in rows]
    assert table["person"].to_pylist() == [person.person_id for _, person in rows]
    np.testing.assert_allclose(
        table["nose_x_px"].to_numpy(), [person.x_px[0] for _, person in rows], rtol=1e-6
    )
    np.testing.assert_allclose(table["box_score"].to_numpy(), [person.box.score for _, person in rows])


async def test_a_stream_goes_on_where_it_was_cut_off(system: System, package: Path, tmp_path: Path) -> None:
    async with system.working(KnownPoses(delay_s=0.1)), streams_of(system, tmp_path) as streams:
        job_id = await system.submit(package, CUT)
        video_id = await first_video(system, job_id)
        begun: list[StreamPosesResponse] = []
        call = streams.open(video_id)
        async for answer in call:
            begun.append(answer)
            if len(frames_of(begun)) >= 20:
                break
        call.cancel()
        told = frames_of(begun)
        rest = await streams.all(video_id, told[-1].index + 1)
        whole = await streams.all(video_id)
        nothing = await streams.all(video_id, FRAMES)
    assert told + frames_of(rest) == frames_of(whole)
    assert [answer.WhichOneof("part") for answer in nothing] == ["header"]


class Damaged(KnownPoses):
    """Nothing can be decoded of some frames."""

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        async for batch in super().infer_run(run, networks):
            if BAD.start <= run.span.start < BAD.stop:
                raise CorruptVideoError("clip.mp4: nothing can be decoded")
            yield batch


BAD = FrameSpan(0, 32)


async def test_missing_frames_are_told_in_their_place(system: System, package: Path, tmp_path: Path) -> None:
    async with system.working(Damaged(undecodable=frozenset({50}))), streams_of(system, tmp_path) as streams:
        job_id = await system.submit(package, CUT)
        answers = await streams.all(await first_video(system, job_id))
        await system.ended(job_id)
        (video,) = await system.store.videos(job_id)
    assert answers[0].WhichOneof("part") == "header"
    assert answers[1].WhichOneof("part") == "missing"
    assert missing_in(answers) == list(range(BAD.start, BAD.stop))
    assert [frame.index for frame in frames_of(answers)] == [i for i in range(BAD.stop, FRAMES) if i != 50]
    assert video.frames_missing == len(missing_in(answers)) + 1


@pytest.mark.parametrize("fails_at", ["inference", "probe"])
async def test_a_video_that_fails_ends_its_stream_with_its_error(
    system: System, package: Path, tmp_path: Path, fails_at: str
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    if fails_at == "probe":
        package = zip_of(tmp_path / "bad.zip", {"run.mp4": tmp_path / "text.mp4"})
    errors: list[Exception] = [CorruptVideoError("run.mp4: nothing can be decoded")] * FRAMES
    async with system.working(KnownPoses(errors=errors)), streams_of(system, tmp_path) as streams:
        job_id = await system.submit(package, CUT)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await streams.all(await first_video(system, job_id))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details()


async def test_a_cancelled_job_ends_its_streams(system: System, package: Path, tmp_path: Path) -> None:
    async with system.working(KnownPoses(delay_s=0.5)), streams_of(system, tmp_path) as streams:
        job_id = await system.submit(package, CUT)
        call = streams.open(await first_video(system, job_id))
        await begun(call)
        await system.store.cancel(job_id)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            _ = [answer async for answer in call]
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_cancelled_stream_ends_at_the_server(system: System, package: Path, tmp_path: Path) -> None:
    async with system.working(KnownPoses(delay_s=0.5)), streams_of(system, tmp_path) as streams:
        job_id = await system.submit(package, CUT)
        video_id = await first_video(system, job_id)
        calls = [streams.open(video_id) for _ in range(5)]
        for call in calls:
            await begun(call)
            call.cancel()
        await eventually(lambda: streams.ended("CANCELLED") == 5)
        await system.store.cancel(job_id)


async def test_a_negative_first_frame(system: System, package: Path, tmp_path: Path) -> None:
    async with system.working(KnownPoses()), streams_of(system, tmp_path) as streams:
        video_id = await first_video(system, await system.submit(package, CUT))
        with pytest.raises(grpc.aio.AioRpcError, match="first_frame: expected at least 0, got -1"):
            await streams.all(video_id, -1)
