"""A clip through the whole service over gRPC alone: real stack, real networks."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from google.protobuf.struct_pb2 import Struct
from marey.v1.jobs_pb2 import (
    JOB_STATUS_COMPLETED,
    JobSpec,
    ListResultsRequest,
    SubmitJobRequest,
    WatchJobRequest,
)
from marey.v1.poses_pb2 import AnalyzeRequest, Frame, StreamPosesRequest, VideoSpec

from deploy.embedded.options import StackOptions
from deploy.embedded.stack import running_stack
from tests.services.rpc import RpcClient, rpc_client

pytestmark = pytest.mark.timeout(300)

CLIP = Path(__file__).parents[2] / "examples" / "clips" / "squat.mp4"
DEADLINE_S = 200.0
CHUNK = 256 << 10


@pytest.fixture(scope="module")
def rpc() -> Iterator[RpcClient]:
    with (
        tempfile.TemporaryDirectory(prefix="marey-test-") as home,
        running_stack(StackOptions(home=Path(home))) as stack,
        rpc_client(stack.layout.grpc_address, stack.api_key) as client,
    ):
        yield client


def pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def package() -> Iterator[SubmitJobRequest]:
    """The clip in a zip, cut so that its poses come in several commits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(CLIP, CLIP.name)
    parameters = Struct()
    parameters.update({"overlay": "off", "batches_per_run": 1})
    spec = JobSpec(package_bytes=len(buffer.getvalue()), parameters=parameters)
    yield SubmitJobRequest(job=spec)
    for piece in pieces(buffer.getvalue()):
        yield SubmitJobRequest(package_chunk=piece)


def video() -> Iterator[AnalyzeRequest]:
    yield AnalyzeRequest(video=VideoSpec(name=CLIP.name))
    for piece in pieces(CLIP.read_bytes()):
        yield AnalyzeRequest(chunk=piece)


def poses_of(frames: list[Frame]) -> np.ndarray:
    """[M, 3 + 3 K] frame, person, score, keypoints."""
    rows = [
        [frame.index, person.person_id, person.box.score, *person.x_px, *person.y_px, *person.confidence]
        for frame in frames
        for person in frame.people
    ]
    return np.array(rows, np.float64)


def test_a_job_its_poses_on_the_way_and_an_analysis_agree(rpc: RpcClient) -> None:
    def call(method: grpc.UnaryStreamMultiCallable, request: object) -> Iterator:
        return method(request, timeout=DEADLINE_S, metadata=rpc.metadata)

    job = rpc.jobs.SubmitJob(package(), timeout=DEADLINE_S, metadata=rpc.metadata).job
    states = []
    with ThreadPoolExecutor(1) as thread:
        streamed = None
        for state in call(rpc.jobs.WatchJob, WatchJobRequest(job_id=job.id)):
            states.append(state)
            if state.videos and streamed is None:
                request = StreamPosesRequest(video_id=state.videos[0].id)
                streamed = thread.submit(list, call(rpc.poses.StreamPoses, request))
        assert states[-1].job.status == JOB_STATUS_COMPLETED
        assert streamed is not None
        frames = [frame for part in streamed.result(DEADLINE_S) for frame in part.frames.frames]
    assert [frame.index for frame in frames] == list(range(150))
    analysed = [
        frame
        for part in rpc.poses.Analyze(video(), timeout=DEADLINE_S, metadata=rpc.metadata)
        for frame in part.frames.frames
    ]
    assert [(frame.index, frame.pts_ns) for frame in analysed] == [
        (frame.index, frame.pts_ns) for frame in frames
    ]
    np.testing.assert_allclose(poses_of(analysed), poses_of(frames), atol=0.02)
    assert_table_has(rpc, job.id, poses_of(frames))


def assert_table_has(rpc: RpcClient, job_id: int, poses: np.ndarray) -> None:
    """The job's table, behind the link that gRPC gives, holds the same poses, rounded."""
    results = rpc.jobs.ListResults(
        ListResultsRequest(job_id=job_id), timeout=DEADLINE_S, metadata=rpc.metadata
    )
    (url,) = [file.url for file in results.files if file.path.endswith("keypoints.csv")]
    rows = list(csv.DictReader(httpx.get(url, trust_env=False).text.splitlines()))
    table = np.array(
        [[float(row[name]) for name in ("frame", "person", "box_score", "nose_x_px")] for row in rows]
    )
    np.testing.assert_allclose(table, poses[:, :4], atol=0.006)
