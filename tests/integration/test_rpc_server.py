"""The gRPC server itself: deadlines, bounds, request ids, health, reflection, its stop."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub
from marey.v1.jobs_pb2 import GetJobRequest, JobSpec, SubmitJobRequest, WatchJobRequest

from api.rpc.gate import MAX_CALLS_WITHOUT_KEY
from api.rpc.server import MAX_MESSAGE_BYTES
from api.rpc.settings import RpcSettings
from api.settings import ApiSettings
from core.errors import PortTakenError
from tests.integration.test_api_admission import set_quotas, settings
from tests.services.api import RunningApi, running_api, serving, upload
from tests.services.rpc import DEADLINE_S, RpcClient, refused, rpc_client
from tests.services.running import free_port
from tests.services.tenants import new_account
from tests.services.waiting import until


@pytest.fixture
def rpc(api: RunningApi) -> Iterator[RpcClient]:
    with rpc_client(api.rpc_address, api.api_key) as client:
        yield client


def with_rpc(database_url: str, folder: Path, **changes: object) -> ApiSettings:
    """Settings of an API with a gRPC server of its own."""
    rpc = RpcSettings(port=free_port(), public_url="http://rest.example")
    return replace(settings(database_url, folder), rpc=replace(rpc, **changes))  # type: ignore[arg-type]


def get_job(client: RpcClient, job_id: int = 1, **arguments: object) -> object:
    return client.jobs.GetJob(
        GetJobRequest(job_id=job_id), **{"timeout": DEADLINE_S, "metadata": client.metadata, **arguments}
    )


def code_of(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return refused(error.value).code


def test_a_call_needs_a_deadline(rpc: RpcClient) -> None:
    with pytest.raises(grpc.RpcError, match="expected a call with a deadline") as error:
        get_job(rpc, timeout=None)
    assert refused(error.value).status is grpc.StatusCode.INVALID_ARGUMENT


def test_request_ids_go_in_and_out(rpc: RpcClient) -> None:
    with pytest.raises(grpc.RpcError) as error:
        get_job(rpc, 7, metadata=(*rpc.metadata, ("x-request-id", "mine-1")))
    assert refused(error.value).request_id == "mine-1"
    with pytest.raises(grpc.RpcError) as error:
        get_job(rpc, 7, metadata=(*rpc.metadata, ("x-request-id", "not well formed")))
    assert len(refused(error.value).request_id) == 32


def test_an_answer_has_its_request_id(api: RunningApi, rpc: RpcClient) -> None:
    api.client.create_job(upload(api))
    metadata = (*rpc.metadata, ("x-request-id", "mine-2"))
    _, call = rpc.jobs.GetJob.with_call(GetJobRequest(job_id=1), timeout=DEADLINE_S, metadata=metadata)
    assert ("x-request-id", "mine-2") in call.trailing_metadata()


def test_calls_are_counted_by_how_they_end(api: RunningApi, rpc: RpcClient) -> None:
    api.client.create_job(upload(api))
    get_job(rpc)
    with pytest.raises(grpc.RpcError):
        get_job(rpc, 7)
    lines = api.http.get("/metrics").text.splitlines()
    for status in ("OK", "NOT_FOUND"):
        assert f'marey_rpc_calls_total{{method="/marey.v1.JobService/GetJob",status="{status}"}} 1.0' in lines


def test_messages_have_a_bound(rpc: RpcClient) -> None:
    requests = [SubmitJobRequest(job=JobSpec(package_bytes=5 << 20))]
    requests.append(SubmitJobRequest(package_chunk=bytes(MAX_MESSAGE_BYTES)))
    with pytest.raises(grpc.RpcError) as error:
        rpc.jobs.SubmitJob(iter(requests), timeout=DEADLINE_S, metadata=rpc.metadata)
    assert isinstance(error.value, grpc.Call)
    assert error.value.code() in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT}


def test_starts_are_limited_in_rate_as_over_rest(api: RunningApi, rpc: RpcClient) -> None:
    key = upload(api)
    set_quotas(api, starts_per_s=0.01, starts_burst=2)
    start = [SubmitJobRequest(job=JobSpec(input_key=key))]
    for _ in range(2):
        rpc.jobs.SubmitJob(iter(start), timeout=DEADLINE_S, metadata=rpc.metadata)
    with pytest.raises(grpc.RpcError) as error:
        rpc.jobs.SubmitJob(iter(start), timeout=DEADLINE_S, metadata=rpc.metadata)
    got = refused(error.value)
    assert (got.status, got.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "rate_limited")
    assert got.retry_after_s is not None
    assert 50 <= got.retry_after_s <= 100
    get_job(rpc)


def test_quotas_are_those_of_rest(api: RunningApi, rpc: RpcClient) -> None:
    key = upload(api)
    set_quotas(api, open_jobs=0)
    with pytest.raises(grpc.RpcError) as error:
        rpc.jobs.SubmitJob(
            iter([SubmitJobRequest(job=JobSpec(input_key=key))]), timeout=DEADLINE_S, metadata=rpc.metadata
        )
    assert (code_of(error), refused(error.value).retry_after_s) == ("quota_exceeded", 30)


def test_nothing_new_is_taken_while_services_are_away(database_url: str, tmp_path: Path) -> None:
    away = with_rpc(database_url, tmp_path)
    assert away.rpc is not None
    with serving(away), rpc_client(away.rpc.address, (tmp_path / "api-key").read_text()) as rpc:
        with pytest.raises(grpc.RpcError) as error:
            rpc.jobs.SubmitJob(
                iter([SubmitJobRequest(job=JobSpec(input_key="x"))]), timeout=60, metadata=rpc.metadata
            )
        got = refused(error.value)
        assert (got.status, got.code) == (grpc.StatusCode.UNAVAILABLE, "not_ready")
        assert got.retry_after_s == 5
        health = HealthStub(rpc.channel)
        assert health.Check(HealthCheckRequest(), timeout=60).status == HealthCheckResponse.NOT_SERVING


def test_calls_of_one_project_are_bounded_and_leave_room_for_others(
    database_url: str, tmp_path: Path
) -> None:
    bounded = with_rpc(database_url, tmp_path, max_calls_per_project=2)
    assert bounded.rpc is not None
    with running_api(bounded) as api, rpc_client(api.rpc_address, api.api_key) as rpc:
        api.client.create_job(upload(api))
        watches = [begun_watch(rpc) for _ in range(2)]
        with pytest.raises(grpc.RpcError) as error:
            get_job(rpc)
        assert (code_of(error), refused(error.value).retry_after_s) == ("quota_exceeded", 5)
        with (
            new_account(api) as other,
            rpc_client(api.rpc_address, other.api_key) as theirs,
            pytest.raises(grpc.RpcError) as error,
        ):
            get_job(theirs)
        assert code_of(error) == "not_found"
        watches[0].cancel()
        until_answered(rpc)
        watches[1].cancel()


def test_all_calls_together_are_bounded(database_url: str, tmp_path: Path) -> None:
    bounded = with_rpc(database_url, tmp_path, max_calls=2)
    with running_api(bounded) as api, rpc_client(api.rpc_address, api.api_key) as rpc:
        api.client.create_job(upload(api))
        watches = [begun_watch(rpc) for _ in range(2)]
        with pytest.raises(grpc.RpcError) as error:
            get_job(rpc)
        assert isinstance(error.value, grpc.Call)
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for watch in watches:
            watch.cancel()
        until_answered(rpc)


def test_health_needs_no_key_and_tells_of_each_service(api: RunningApi) -> None:
    with rpc_client(api.rpc_address, None) as anyone:
        health = HealthStub(anyone.channel)
        for name in ("", "marey.v1.JobService", "marey.v1.PoseService"):
            assert health.Check(HealthCheckRequest(service=name)).status == HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as error:
            health.Check(HealthCheckRequest(service="none"))
        assert error.value.code() is grpc.StatusCode.NOT_FOUND
        watch = health.Watch(HealthCheckRequest(service="none"), timeout=DEADLINE_S)
        assert next(watch).status == HealthCheckResponse.SERVICE_UNKNOWN
        watch.cancel()
    assert api.http.get("/health/ready").json()["checks"]["grpc"] == "ok"


def test_those_without_a_key_leave_room_for_others(api: RunningApi, rpc: RpcClient) -> None:
    api.client.create_job(upload(api))
    with rpc_client(api.rpc_address, None) as anyone:
        health = HealthStub(anyone.channel)
        watches = [health.Watch(HealthCheckRequest(), timeout=60) for _ in range(MAX_CALLS_WITHOUT_KEY)]
        for watch in watches:
            assert next(watch).status == HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as error:
            health.Check(HealthCheckRequest(), timeout=60)
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        get_job(rpc)


def test_reflection_is_off_unless_asked_for(api: RunningApi, database_url: str, tmp_path: Path) -> None:
    def services(address: str) -> set[str]:
        with rpc_client(address, None) as anyone:
            stub = ServerReflectionStub(anyone.channel)
            request = ServerReflectionRequest(list_services="")
            (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=DEADLINE_S)
            return {service.name for service in answer.list_services_response.service}

    assert {"marey.v1.JobService", "grpc.health.v1.Health"} < services(api.rpc_address)
    usual = with_rpc(database_url, tmp_path / "usual")
    assert usual.rpc is not None
    with serving(usual), pytest.raises(grpc.RpcError) as error:
        services(usual.rpc.address)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_port_that_is_taken(database_url: str, tmp_path: Path) -> None:
    first = with_rpc(database_url, tmp_path)
    with serving(first), pytest.raises(PortTakenError), serving(first):
        pass


def test_a_stop_ends_streams_and_lets_calls_end(database_url: str, tmp_path: Path) -> None:
    usual = with_rpc(database_url, tmp_path)
    release = threading.Event()

    def requests() -> Iterator[SubmitJobRequest]:
        yield SubmitJobRequest(job=JobSpec(package_bytes=3))
        yield SubmitJobRequest(package_chunk=b"z")
        release.wait(DEADLINE_S)
        yield SubmitJobRequest(package_chunk=b"ip")

    with ThreadPoolExecutor(1) as thread, ExitStack() as stack:
        with running_api(usual) as api:
            rpc = stack.enter_context(rpc_client(api.rpc_address, api.api_key))
            api.client.create_job(upload(api))
            watched = thread.submit(end_of, begun_watch(rpc))
            watched.add_done_callback(lambda _: release.set())
            submitted = rpc.jobs.SubmitJob.future(requests(), timeout=DEADLINE_S, metadata=rpc.metadata)
            until(lambda: sum(path.is_file() for path in api.objects.rglob("*")) == 2)
        assert watched.result(DEADLINE_S) == "not_ready"
        assert submitted.result(DEADLINE_S).job.id == 2


def end_of(watch: Iterator[object]) -> str:
    """The code of the error that a stream ends with."""
    with pytest.raises(grpc.RpcError) as error:
        list(watch)
    return code_of(error)


def begun_watch(rpc: RpcClient) -> Any:
    """A watch of job 1 that goes on."""
    watch = rpc.jobs.WatchJob(WatchJobRequest(job_id=1), timeout=DEADLINE_S, metadata=rpc.metadata)
    next(watch)
    return watch


def until_answered(rpc: RpcClient) -> None:
    """Wait until there is room for a call."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        try:
            get_job(rpc)
        except grpc.RpcError:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        else:
            return
