"""Analyze: video in, poses out, nothing kept; through a real Triton whose networks tell on pixels."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import grpc
import numpy as np
import pytest
from google.protobuf.struct_pb2 import Struct
from marey.v1.poses_pb2 import AnalyzeRequest, AnalyzeResponse, Frame, VideoSpec

from api.poses.analysis import AnalysisLimits
from ingest.encoder import VideoWriter
from orchestrator.frame_memory import PREFIX, SHARED_MEMORY
from tests.integration.test_rpc_server import with_rpc
from tests.media import Clip, truncate, write_clip
from tests.services.api import RunningApi, execute, running_api
from tests.services.probe_networks import level_of_score
from tests.services.rpc import DEADLINE_S, RpcClient, refused, rpc_client
from tests.services.tenants import new_account
from tests.services.triton import TritonServer
from tests.services.waiting import until

FRAMES = 45
CHUNK = 16 << 10
LIMITS = AnalysisLimits(max_bytes=400_000, at_once=2, computing_at_once=1, at_once_per_project=1, idle_s=0.5)


@pytest.fixture
def api(database_url: str, tmp_path: Path, probe_triton: TritonServer) -> Iterator[RunningApi]:
    settings = with_rpc(database_url, tmp_path)
    services = replace(
        settings.services, triton_url=probe_triton.url, cluster_urls=frozenset({"127.0.0.1:9"})
    )
    with running_api(replace(settings, services=services, analysis_limits=LIMITS)) as api:
        yield api


@pytest.fixture
def rpc(api: RunningApi) -> Iterator[RpcClient]:
    with rpc_client(api.rpc_address, api.api_key) as client:
        yield client


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each frame is of one brightness; the probe networks see one person in each."""
    path = tmp_path_factory.mktemp("clips") / "levels.mp4"
    with VideoWriter(path, (320, 180), Fraction(30000, 1001)) as writer:
        for index in range(FRAMES):
            writer.write(np.full((180, 320, 3), 74 + 4 * index, np.uint8), index * 1_001_000_000 // 30)
    return path


def parts(video: Path, **parameters: object) -> Iterator[AnalyzeRequest]:
    struct = Struct()
    struct.update(parameters)  # type: ignore[arg-type]
    yield AnalyzeRequest(video=VideoSpec(name="my run.mp4", parameters=struct))
    data = video.read_bytes()
    for start in range(0, len(data), CHUNK):
        yield AnalyzeRequest(chunk=data[start : start + CHUNK])


def analyze(rpc: RpcClient, requests: Iterator[AnalyzeRequest]) -> list[AnalyzeResponse]:
    return list(rpc.poses.Analyze(requests, timeout=60, metadata=rpc.metadata))


def frames_of(answers: list[AnalyzeResponse]) -> list[Frame]:
    return [frame for answer in answers if answer.HasField("frames") for frame in answer.frames.frames]


@pytest.fixture
def nothing_is_left() -> Callable[[RunningApi], None]:
    """Waits until this process has no file and no shared memory of an analysis; there is no row either.

    What tests before still hold is theirs.
    """
    earlier = set(regions())

    def wait(api: RunningApi) -> None:
        until(lambda: not files_of(api) and not set(regions()) - earlier, DEADLINE_S)
        assert api.http.get("/job").json()["items"] == []

    return wait


def files_of(api: RunningApi) -> list[Path]:
    return [Path(folder, name) for folder, _, names in os.walk(api.objects) for name in names]


def wait_for_a_file(api: RunningApi) -> None:
    """A video has begun to arrive."""
    until(lambda: files_of(api), DEADLINE_S)


def regions() -> list[str]:
    """Regions that this process, in which the API runs, holds open."""
    held = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            held.append(str(descriptor.readlink()))
    return [name for name in held if name.startswith(str(SHARED_MEMORY / PREFIX))]


def test_poses_of_every_frame_come_back_and_nothing_stays(
    api: RunningApi, rpc: RpcClient, video: Path, nothing_is_left: Callable[[RunningApi], None]
) -> None:
    header, *answers = analyze(rpc, parts(video, frame_batch_frames=8))
    assert (header.header.video_name, header.header.frame_count) == ("my run.mp4", FRAMES)
    assert (header.header.width_px, header.header.height_px) == (320, 180)
    frames = frames_of(answers)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert [len(frame.people) for frame in frames] == [1] * FRAMES
    assert {person.person_id for frame in frames for person in frame.people} == {1}
    levels = [level_of_score(frame.people[0].box.score) for frame in frames]
    np.testing.assert_allclose(levels, 74 + 4 * np.arange(FRAMES), atol=1.9)
    assert len(answers) >= FRAMES // 8
    nothing_is_left(api)


def test_parameters_are_those_of_a_job(api: RunningApi, rpc: RpcClient, video: Path) -> None:
    assert all(not frame.people for frame in frames_of(analyze(rpc, parts(video, person_score=1))))
    for wrong in ({"person_score": 2}, {"unknown": 1}):
        with pytest.raises(grpc.RpcError) as error:
            analyze(rpc, parts(video, **wrong))
        assert refused(error.value).code == "invalid_parameter"


def test_a_run_of_which_nothing_can_be_decoded_is_missing(
    api: RunningApi, rpc: RpcClient, tmp_path: Path
) -> None:
    regular = {"g": "10", "bf": "0", "sc_threshold": "0"}
    clip = write_clip(tmp_path / "damaged.mp4", Clip(frames=60, options=regular))
    overwrite_packets(clip, range(30, 40))
    answers = analyze(rpc, parts(clip, frame_batch_frames=10, batches_per_run=1))
    missing = [
        (answer.missing.first_frame, answer.missing.last_frame)
        for answer in answers
        if answer.HasField("missing")
    ]
    assert missing == [(30, 39)]
    assert [frame.index for frame in frames_of(answers)] == [*range(30), *range(40, 60)]


def overwrite_packets(path: Path, numbers: range) -> None:
    """Fill some of the video's packets with zeros, but for the start that tells a keyframe."""
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    with path.open("r+b") as file:
        for number in numbers:
            position, byte_size = places[number]
            assert position is not None
            file.seek(position + 6)
            file.write(bytes(byte_size - 6))


@pytest.mark.parametrize("kind", ["text", "nothing", "cut off"])
def test_what_is_no_video_is_refused_by_its_name(
    api: RunningApi, rpc: RpcClient, tmp_path: Path, kind: str, nothing_is_left: Callable[[RunningApi], None]
) -> None:
    path = tmp_path / "bad.mp4"
    if kind == "cut off":
        truncate(write_clip(path, Clip()), 0.6)
    else:
        path.write_bytes(b"text" if kind == "text" else b"")
    with pytest.raises(grpc.RpcError) as error:
        analyze(rpc, parts(path))
    got = refused(error.value)
    assert got.status is grpc.StatusCode.INVALID_ARGUMENT
    assert got.code in {"unsupported_container", "corrupt_video"}
    assert "my run.mp4" in got.message
    nothing_is_left(api)


def test_a_video_that_is_too_large(
    api: RunningApi, rpc: RpcClient, tmp_path: Path, nothing_is_left: Callable[[RunningApi], None]
) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(bytes(LIMITS.max_bytes + 1))
    with pytest.raises(grpc.RpcError) as error:
        analyze(rpc, parts(path))
    assert refused(error.value).code == "upload_too_large"
    nothing_is_left(api)


@pytest.mark.parametrize(
    "requests", [[], [AnalyzeRequest(chunk=b"x")], [AnalyzeRequest(video=VideoSpec())] * 2]
)
def test_the_order_of_parts(rpc: RpcClient, requests: list[AnalyzeRequest]) -> None:
    with pytest.raises(grpc.RpcError) as error:
        analyze(rpc, iter(requests))
    assert refused(error.value).code == "invalid_parameter"


def slow(video: Path) -> Iterator[AnalyzeRequest]:
    """All parts but the last, which does not come."""
    requests = list(parts(video))
    yield from requests[:-1]
    time.sleep(5)


def held(video: Path, go_on: threading.Event) -> Iterator[AnalyzeRequest]:
    """All parts; the last comes when it may."""
    requests = list(parts(video))
    yield from requests[:-1]
    go_on.wait(DEADLINE_S)
    yield requests[-1]


def test_a_video_that_stalls(
    api: RunningApi, rpc: RpcClient, video: Path, nothing_is_left: Callable[[RunningApi], None]
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        analyze(rpc, slow(video))
    assert refused(error.value).code == "upload_incomplete"
    nothing_is_left(api)


def test_a_project_analyses_one_at_a_time(api: RunningApi, rpc: RpcClient, video: Path) -> None:
    go_on = threading.Event()
    first = rpc.poses.Analyze(held(video, go_on), timeout=60, metadata=rpc.metadata)
    wait_for_a_file(api)
    with pytest.raises(grpc.RpcError) as error:
        analyze(rpc, parts(video))
    go_on.set()
    assert (refused(error.value).code, refused(error.value).retry_after_s) == ("quota_exceeded", 10)
    assert len(frames_of(list(first))) == FRAMES
    assert len(frames_of(analyze(rpc, parts(video)))) == FRAMES


def test_projects_take_turns(api: RunningApi, rpc: RpcClient, video: Path) -> None:
    """Also beside one that has begun and is not taken any further."""
    with ExitStack() as stack:
        others = [
            stack.enter_context(rpc_client(api.rpc_address, stack.enter_context(new_account(api)).api_key))
            for _ in range(3)
        ]
        waiting = rpc.poses.Analyze(parts(video), timeout=60, metadata=rpc.metadata)
        next(waiting)
        with ThreadPoolExecutor(3) as threads:
            answers = threads.map(lambda other: analyze(other, parts(video, batches_per_run=1)), others)
            assert [len(frames_of(each)) for each in answers] == [FRAMES] * 3
        assert len(frames_of(list(waiting))) == FRAMES


@pytest.mark.parametrize("moment", ["while it arrives", "while it is analysed"])
def test_a_cancelled_analysis_leaves_nothing(
    api: RunningApi, rpc: RpcClient, video: Path, moment: str, nothing_is_left: Callable[[RunningApi], None]
) -> None:
    requests = slow(video) if moment == "while it arrives" else parts(video, frame_batch_frames=1)
    call = rpc.poses.Analyze(requests, timeout=60, metadata=rpc.metadata)
    if moment == "while it arrives":
        wait_for_a_file(api)
    else:
        next(call)
    call.cancel()
    nothing_is_left(api)
    assert len(frames_of(analyze(rpc, parts(video)))) == FRAMES


def test_a_deadline_ends_an_analysis(
    api: RunningApi, rpc: RpcClient, video: Path, nothing_is_left: Callable[[RunningApi], None]
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        list(rpc.poses.Analyze(slow(video), timeout=0.3, metadata=rpc.metadata))
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    nothing_is_left(api)


def test_a_triton_that_is_away(
    database_url: str, tmp_path: Path, video: Path, nothing_is_left: Callable[[RunningApi], None]
) -> None:
    with (
        running_api(with_rpc(database_url, tmp_path)) as api,
        rpc_client(api.rpc_address, api.api_key) as rpc,
    ):
        with pytest.raises(grpc.RpcError) as error:
            analyze(rpc, parts(video))
        got = refused(error.value)
        assert (got.status, got.code) == (grpc.StatusCode.UNAVAILABLE, "inference_unavailable")
        nothing_is_left(api)


@pytest.mark.parametrize(
    ("cluster_url", "status", "code"),
    [
        ("127.0.0.1:9", grpc.StatusCode.UNAVAILABLE, "inference_unavailable"),
        ("127.0.0.1:10", grpc.StatusCode.PERMISSION_DENIED, "cluster_not_allowed"),
    ],
)
def test_the_triton_of_the_project_is_asked(
    api: RunningApi, rpc: RpcClient, video: Path, cluster_url: str, status: grpc.StatusCode, code: str
) -> None:
    execute(api, "UPDATE project SET project_cluster_url = $1", cluster_url)
    with pytest.raises(grpc.RpcError) as error:
        analyze(rpc, parts(video))
    got = refused(error.value)
    assert (got.status, got.code) == (status, code)


def test_a_project_on_another_triton(
    database_url: str, tmp_path: Path, video: Path, probe_triton: TritonServer
) -> None:
    settings = with_rpc(database_url, tmp_path)
    services = replace(settings.services, cluster_urls=frozenset({probe_triton.url}))
    with (
        running_api(replace(settings, services=services)) as api,
        rpc_client(api.rpc_address, api.api_key) as rpc,
    ):
        execute(api, "UPDATE project SET project_cluster_url = $1", probe_triton.url)
        assert len(frames_of(analyze(rpc, parts(video)))) == FRAMES
