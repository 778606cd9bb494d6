"""JobService over a real Postgres, without an orchestrator: the same jobs as REST's."""

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import pytest
from google.protobuf.struct_pb2 import Struct
from marey.v1.jobs_pb2 import (
    GetJobRequest,
    JobSpec,
    ListResultsRequest,
    SubmitJobRequest,
    SubmitJobResponse,
    WatchJobRequest,
)

from tests.services.api import MAX_UPLOAD_BYTES, RunningApi, execute, finish_job, upload
from tests.services.rpc import DEADLINE_S, RpcClient, refused, rpc_client
from tests.services.tenants import new_account
from tests.services.waiting import until

CHUNK = 64 << 10


@pytest.fixture
def rpc(api: RunningApi) -> Iterator[RpcClient]:
    with rpc_client(api.rpc_address, api.api_key) as client:
        yield client


def submit(rpc: RpcClient, package: bytes | None, **spec: object) -> SubmitJobResponse:
    """A job; without a package, of one that was uploaded."""
    requests = [SubmitJobRequest(job=JobSpec(package_bytes=len(package or b""), **spec))]  # type: ignore[arg-type]
    for start in range(0, len(package or b""), CHUNK):
        requests.append(SubmitJobRequest(package_chunk=(package or b"")[start : start + CHUNK]))
    response: SubmitJobResponse = rpc.jobs.SubmitJob(
        iter(requests), timeout=DEADLINE_S, metadata=rpc.metadata
    )
    return response


def parameters(**values: object) -> Struct:
    struct = Struct()
    struct.update(values)  # type: ignore[arg-type]
    return struct


def files_of(api: RunningApi) -> list[str]:
    return sorted(path.name for path in api.objects.rglob("*") if path.is_file())


def test_a_package_in_chunks_becomes_a_job(api: RunningApi, rpc: RpcClient) -> None:
    package = bytes(range(256)) * 1000
    job = submit(rpc, package, parameters=parameters(overlay="off", frame_batch_frames=16)).job
    (stored,) = api.objects.rglob("uploads/1/*.zip")
    assert stored.read_bytes() == package
    got = rpc.jobs.GetJob(GetJobRequest(job_id=job.id), timeout=DEADLINE_S, metadata=rpc.metadata).job
    assert got == job
    rest = api.http.get(f"/job/{job.id}").json()
    assert rest["job_parameters"] == {
        **dict(job.parameters.items()),
        "input": job.input_key,
        "overlay": "off",
        "frame_batch_frames": 16,
    }
    assert (rest["status"], rest["tier"], rest["pipeline"]) == ("queued", "standard", "pose_2d")
    assert rest["pipeline_parameter_set_id"] == job.pipeline_parameter_set_id == 1
    assert job.created_at.ToJsonString()[:19] == rest["created_at"][:19]


def test_an_uploaded_package_is_named(api: RunningApi, rpc: RpcClient) -> None:
    key = upload(api)
    job = submit(rpc, None, input_key=key).job
    assert execute(api, "SELECT count(*) FROM job WHERE id = $1 AND input_key = $2", job.id, key) == 1


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ({"pipeline": "none"}, "pipeline: expected one of"),
        ({"parameters": {"overlay": "huge"}}, "parameters.overlay: expected one of full, half, off"),
        ({"parameters": {"frame_batch_frames": 0.5}}, "parameters.frame_batch_frames: expected integer"),
        ({"parameters": {"unknown": 1}}, "parameters: expected names among"),
        ({"input_key": "uploads/1/none.zip"}, "job_parameters.input: expected the input_key"),
        ({"parameters": {"input": "x"}}, "parameters: expected names among"),
        ({"idempotency_key": "a b"}, "idempotency_key: expected 1 to 200 visible"),
        ({"idempotency_key": "a" * 201}, "idempotency_key: expected 1 to 200 visible"),
    ],
)
def test_what_cannot_be_started_is_named(rpc: RpcClient, spec: dict[str, object], named: str) -> None:
    with pytest.raises(grpc.RpcError) as error:
        submit(rpc, b"zip", **spec)
    assert refused(error.value).status is grpc.StatusCode.INVALID_ARGUMENT
    assert refused(error.value).code == "invalid_parameter"
    assert named in refused(error.value).message


def test_a_job_is_of_the_user_that_is_named(rpc: RpcClient) -> None:
    named = {"user_id": 1, "project_id": 1, "pipeline_parameter_set_id": 1}
    job = submit(rpc, b"zip", **named).job
    assert {name: getattr(job, name) for name in named} == named
    for name in named:
        with pytest.raises(grpc.RpcError) as error:
            submit(rpc, b"zip", **{**named, name: 77})
        assert refused(error.value).status is grpc.StatusCode.NOT_FOUND


def test_one_key_for_two_users_brings_each_his_own_package(api: RunningApi, rpc: RpcClient) -> None:
    with new_account(api) as other:
        mine = submit(rpc, b"mine", idempotency_key="k1", user_id=1).job
        theirs = submit(rpc, b"theirs", idempotency_key="k1", user_id=other.ids["user"]).job
        assert submit(rpc, b"theirs", idempotency_key="k1", user_id=other.ids["user"]).job == theirs
    assert (api.objects / mine.input_key).read_bytes() == b"mine"
    assert (api.objects / theirs.input_key).read_bytes() == b"theirs"


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [SubmitJobRequest()],
        [SubmitJobRequest(package_chunk=b"zip")],
        [SubmitJobRequest(job=JobSpec())],
        [SubmitJobRequest(job=JobSpec(package_bytes=1)), SubmitJobRequest(job=JobSpec())],
    ],
    ids=["nothing", "nothing in the first", "no job first", "no size", "two jobs"],
)
def test_the_order_of_parts(api: RunningApi, rpc: RpcClient, requests: list[SubmitJobRequest]) -> None:
    with pytest.raises(grpc.RpcError) as error:
        rpc.jobs.SubmitJob(iter(requests), timeout=DEADLINE_S, metadata=rpc.metadata)
    assert refused(error.value).code == "invalid_parameter"
    assert files_of(api) == []


def test_a_package_that_is_too_large_leaves_nothing(api: RunningApi, rpc: RpcClient) -> None:
    with pytest.raises(grpc.RpcError) as error:
        submit(rpc, bytes(MAX_UPLOAD_BYTES + 1))
    assert refused(error.value).code == "upload_too_large"
    assert files_of(api) == []
    assert submit(rpc, bytes(MAX_UPLOAD_BYTES)).job.id == 1


def test_a_repeated_key_makes_no_second_job_and_reads_no_second_package(
    api: RunningApi, rpc: RpcClient
) -> None:
    answered = threading.Event()

    def requests(package: Iterable[bytes]) -> Iterator[SubmitJobRequest]:
        yield SubmitJobRequest(job=JobSpec(idempotency_key="k1", package_bytes=4))
        for chunk in package:
            yield SubmitJobRequest(package_chunk=chunk)

    def held() -> Iterator[bytes]:
        assert answered.wait(DEADLINE_S)
        yield b"zips"

    first = rpc.jobs.SubmitJob(requests([b"zi", b"ps"]), timeout=DEADLINE_S, metadata=rpc.metadata)
    again = rpc.jobs.SubmitJob(requests(held()), timeout=DEADLINE_S, metadata=rpc.metadata)
    answered.set()
    assert again == first
    assert submit(rpc, b"x", idempotency_key="k2").job.id != first.job.id
    with pytest.raises(grpc.RpcError) as error:
        submit(rpc, b"x", idempotency_key="k1", parameters=parameters(overlay="off"))
    assert refused(error.value).code == "idempotency_key_reused"


def test_an_upload_that_breaks_off_leaves_nothing_and_may_be_sent_again(
    api: RunningApi, rpc: RpcClient
) -> None:
    def requests() -> Iterator[SubmitJobRequest]:
        yield SubmitJobRequest(job=JobSpec(idempotency_key="k1", package_bytes=8))
        yield SubmitJobRequest(package_chunk=b"half")
        time.sleep(5)

    call = rpc.jobs.SubmitJob.future(requests(), timeout=DEADLINE_S, metadata=rpc.metadata)
    until(lambda: bool(files_of(api)), DEADLINE_S)
    call.cancel()
    until(lambda: not files_of(api), DEADLINE_S)
    assert api.http.get("/job").json()["items"] == []
    assert submit(rpc, b"whole", idempotency_key="k1").job.id == 1


@pytest.mark.parametrize("package", [b"zi", b"zipp"], ids=["less", "more"])
def test_a_package_of_another_size_than_announced(api: RunningApi, rpc: RpcClient, package: bytes) -> None:
    requests = [
        SubmitJobRequest(job=JobSpec(package_bytes=3)),
        SubmitJobRequest(package_chunk=package),
    ]
    with pytest.raises(grpc.RpcError) as error:
        rpc.jobs.SubmitJob(iter(requests), timeout=DEADLINE_S, metadata=rpc.metadata)
    assert refused(error.value).code == "upload_incomplete"
    assert files_of(api) == []


def test_a_package_that_stalls_is_refused(api: RunningApi, rpc: RpcClient) -> None:
    def requests() -> Iterator[SubmitJobRequest]:
        yield SubmitJobRequest(job=JobSpec(package_bytes=8))
        yield SubmitJobRequest(package_chunk=b"half")
        time.sleep(5)

    with pytest.raises(grpc.RpcError) as error:
        rpc.jobs.SubmitJob(requests(), timeout=DEADLINE_S, metadata=rpc.metadata)
    assert refused(error.value).code == "upload_incomplete"
    assert files_of(api) == []


def test_a_watch_tells_each_change_until_the_end(api: RunningApi, rpc: RpcClient) -> None:
    job = submit(rpc, b"zip").job
    watch = rpc.jobs.WatchJob(WatchJobRequest(job_id=job.id), timeout=DEADLINE_S, metadata=rpc.metadata)
    assert (next(watch).job, finish_job(api, job.id)) == (job, 1)
    (last,) = watch
    assert last.job.status == 4
    assert [(video.id, video.name, video.progress) for video in last.videos] == [(1, "run.mp4", 1.0)]
    got = rpc.jobs.GetJob(GetJobRequest(job_id=job.id), timeout=DEADLINE_S, metadata=rpc.metadata)
    assert (got.job, got.videos) == (last.job, last.videos)


def test_failures_have_their_codes(api: RunningApi, rpc: RpcClient) -> None:
    job = submit(rpc, b"zip").job
    execute(
        api,
        "UPDATE job SET status = 'failed', error_code = 'not_a_zip', error_message = 'no' WHERE id = $1",
        job.id,
    )
    got = rpc.jobs.GetJob(GetJobRequest(job_id=job.id), timeout=DEADLINE_S, metadata=rpc.metadata).job
    assert (got.failure.code, got.failure.message) == ("not_a_zip", "no")
    assert not job.HasField("failure")


def test_results_have_links_that_work(api: RunningApi, rpc: RpcClient) -> None:
    job = submit(rpc, b"zip").job
    finish_job(api, job.id)
    results = rpc.jobs.ListResults(
        ListResultsRequest(job_id=job.id), timeout=DEADLINE_S, metadata=rpc.metadata
    )
    rest = api.http.get(f"/job/{job.id}/results").json()
    assert [(file.path, file.size_bytes, file.video_id or None) for file in results.files] == [
        (item["path"], item["size_bytes"], item["video_id"]) for item in rest["items"]
    ]
    for url in (results.files[0].url, results.archive_url):
        assert url.startswith("http://rest.example/download/")
        assert httpx.get(url.replace("http://rest.example", api.url), trust_env=False).status_code == 200


def test_many_watches_at_once(api: RunningApi, rpc: RpcClient) -> None:
    job = submit(rpc, b"zip").job

    def watch(_: int) -> int:
        request = WatchJobRequest(job_id=job.id)
        return len(list(rpc.jobs.WatchJob(request, timeout=DEADLINE_S, metadata=rpc.metadata)))

    with ThreadPoolExecutor(20) as threads:
        counts = threads.map(watch, range(20))
        time.sleep(1)
        finish_job(api, job.id)
        assert set(counts) <= {1, 2}
