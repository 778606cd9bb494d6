"""The gRPC server of a real API process under abuse: an error each, and no memory that stays."""

import itertools
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2
from marey.v1.jobs_pb2 import GetJobRequest, JobSpec, SubmitJobRequest
from marey.v1.poses_pb2 import AnalyzeRequest, VideoSpec

from api.accounts.keys import new_key
from api.poses.analysis import AnalysisLimits
from api.rpc.server import MAX_MESSAGE_BYTES
from tests.services.rpc import METHODS, RpcClient, call_with_bytes, refused, rpc_client
from tests.services.victim import Victim
from tests.services.waiting import until

NOISE = random.Random(5)
MALFORMED = {
    "not a tag": b"\xff" * 10,
    "half a field": b"\x08",
    "longer than it is": b"\x0a\xff\xff\xff\xff\x07",
    "groups in groups": b"\x0b" * 100_000,
    "noise": NOISE.randbytes(100_000),
}
CALL_S = 20.0
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_malformed_messages_are_a_mistake_of_the_caller(
    ready_victim: Victim, method: MethodDescriptor, subtests: pytest.Subtests
) -> None:
    for name, data in MALFORMED.items():
        with subtests.test(name), pytest.raises(grpc.RpcError) as error:
            call_with_bytes(ready_victim.rpc, method, data)
        got = refused(error.value)
        assert (got.status, got.code) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid_parameter")
        assert "message as the protocol describes it" in got.message
    lines = [json.loads(line) for line in ready_victim.log.read_text().splitlines()]
    assert not [line for line in lines if line["level"] == "ERROR"]
    assert len([line for line in lines if method.name in line["message"]]) == len(MALFORMED)


def test_a_malformed_message_needs_a_key_first(victim: Victim) -> None:
    for key in (None, "no key", new_key().text):
        with rpc_client(victim.rpc_address, key) as anyone:
            for method in METHODS:
                with pytest.raises(grpc.RpcError) as error:
                    call_with_bytes(anyone, method, MALFORMED["noise"])
                assert refused(error.value).code == "unauthenticated"
    with pytest.raises(grpc.RpcError) as error:
        call_with_bytes(victim.rpc, HEALTH.methods_by_name["Check"], MALFORMED["noise"])
    assert refused(error.value).code == "invalid_parameter"


def test_a_flood_of_oversized_messages_leaves_nothing(ready_victim: Victim) -> None:
    data = bytes(MAX_MESSAGE_BYTES + 1)

    def send(method: MethodDescriptor) -> tuple[str, grpc.StatusCode]:
        with pytest.raises(grpc.RpcError) as error:
            call_with_bytes(ready_victim.rpc, method, data)
        assert isinstance(error.value, grpc.Call)
        return method.name, error.value.code()

    with ThreadPoolExecutor(8) as threads:
        ends = set(threads.map(send, itertools.islice(itertools.cycle(METHODS), 60)))
    assert ends == {(method.name, grpc.StatusCode.RESOURCE_EXHAUSTED) for method in METHODS}


def test_calls_without_a_deadline(victim: Victim) -> None:
    for _ in range(100):
        with pytest.raises(grpc.RpcError) as error:
            victim.rpc.jobs.GetJob(GetJobRequest(job_id=1), metadata=victim.rpc.metadata)
        assert "expected a call with a deadline" in refused(error.value).message


def endless(chunk_bytes: int, pause_s: float) -> Iterator[AnalyzeRequest]:
    """A video that does not end."""
    yield AnalyzeRequest(video=VideoSpec(name="endless.mp4"))
    while True:
        yield AnalyzeRequest(chunk=bytes(chunk_bytes))
        time.sleep(pause_s)


def test_a_video_that_does_not_end(ready_victim: Victim) -> None:
    requests = endless(MAX_MESSAGE_BYTES - 1000, 0)
    with pytest.raises(grpc.RpcError) as error:
        list(ready_victim.rpc.poses.Analyze(requests, timeout=120, metadata=ready_victim.rpc.metadata))
    assert refused(error.value).code == "upload_too_large"
    until(lambda: not files_of(ready_victim))


def test_videos_that_trickle_in(ready_victim: Victim) -> None:
    """They are as many as a project may have, keep nobody from a call, and end with their deadline."""
    rpc, most = ready_victim.rpc, AnalysisLimits().at_once_per_project
    calls = [rpc.poses.Analyze(endless(1, 0.01), timeout=4, metadata=rpc.metadata) for _ in range(most)]
    until(lambda: len(files_of(ready_victim)) == most)
    with pytest.raises(grpc.RpcError) as error:
        list(rpc.poses.Analyze(endless(1, 0.01), timeout=CALL_S, metadata=rpc.metadata))
    assert refused(error.value).code == "quota_exceeded"
    assert asked_for_nothing(rpc) == "not_found"
    for call in calls:
        with pytest.raises(grpc.RpcError) as error:
            list(call)
        assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    until(lambda: not files_of(ready_victim))


def test_streams_that_are_cancelled_leave_nothing(ready_victim: Victim) -> None:
    """Jobs and analyses that are given up while they arrive, over connections that break off as well."""

    def package() -> Iterator[SubmitJobRequest]:
        yield SubmitJobRequest(job=JobSpec(package_bytes=1 << 30))
        while True:
            yield SubmitJobRequest(package_chunk=bytes(1 << 20))
            time.sleep(0.02)

    for _ in range(10):
        with ExitStack() as stack:
            rpc = stack.enter_context(rpc_client(ready_victim.rpc_address, ready_victim.rpc.api_key))
            calls = [
                rpc.jobs.SubmitJob.future(package(), timeout=CALL_S, metadata=rpc.metadata),
                rpc.poses.Analyze(endless(1 << 20, 0.02), timeout=CALL_S, metadata=rpc.metadata),
            ]
            until(lambda: files_of(ready_victim))
            calls[0].cancel()
        until(lambda: not files_of(ready_victim))
    assert asked_for_nothing(ready_victim.rpc) == "not_found"
    assert ready_victim.http.get("/job").json()["items"] == []


def asked_for_nothing(rpc: RpcClient) -> str:
    """The code of a call about a job that there is not."""
    with pytest.raises(grpc.RpcError) as error:
        rpc.jobs.GetJob(GetJobRequest(job_id=1), timeout=CALL_S, metadata=rpc.metadata)
    return refused(error.value).code


def files_of(victim: Victim) -> list[str]:
    """Files at the object store, those that arrive included."""
    return [str(path) for path in victim.objects.rglob("*") if path.is_file()]
