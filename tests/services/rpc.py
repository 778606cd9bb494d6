"""Helpers: clients of the gRPC server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status
from marey.v1 import jobs_pb2, jobs_pb2_grpc, poses_pb2, poses_pb2_grpc

DEADLINE_S = 20.0


METHODS: list[MethodDescriptor] = [
    method
    for file in (jobs_pb2.DESCRIPTOR, poses_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcClient:
    """Stubs of one channel, and what every call of an account sends."""

    channel: grpc.Channel
    api_key: str | None

    @property
    def jobs(self) -> jobs_pb2_grpc.JobServiceStub:
        return jobs_pb2_grpc.JobServiceStub(self.channel)

    @property
    def poses(self) -> poses_pb2_grpc.PoseServiceStub:
        return poses_pb2_grpc.PoseServiceStub(self.channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.api_key}"),) if self.api_key else ()


@contextmanager
def rpc_client(address: str, api_key: str | None) -> Iterator[RpcClient]:
    """A client without encryption."""
    with grpc.insecure_channel(address) as channel:
        yield RpcClient(channel=channel, api_key=api_key)


def call_with_bytes(client: RpcClient, method: MethodDescriptor, request: bytes) -> None:
    """Call any method with one message, whatever it is, and wait for the first answer."""
    assert method.containing_service is not None
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = f"{_word(method.client_streaming)}_{_word(method.server_streaming)}"
    make: Callable[..., Callable[..., object]] = getattr(client.channel, kind)
    answers = make(path)(
        iter([request]) if method.client_streaming else request, timeout=DEADLINE_S, metadata=client.metadata
    )
    if isinstance(answers, Iterator):
        next(answers)


def _word(is_stream: bool) -> str:
    return "stream" if is_stream else "unary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What a client learns of a call that was not answered."""

    status: grpc.StatusCode
    code: str
    message: str
    request_id: str
    retry_after_s: int | None


def refused(error: grpc.RpcError) -> Refused:
    """The details of a refusal, which must agree with its status."""
    assert isinstance(error, grpc.Call)
    metadata = dict(error.trailing_metadata())
    said = Status.FromString(metadata["grpc-status-details-bin"])
    info, request, retry = ErrorInfo(), RequestInfo(), RetryInfo()
    found = {
        detail.TypeName()
        for detail in said.details
        for known in (info, request, retry)
        if detail.Unpack(known)
    }
    assert (said.code, said.message) == (error.code().value[0], error.details())
    assert (info.domain, request.request_id) == ("marey", metadata["x-request-id"])
    return Refused(
        status=error.code(),
        code=info.reason.lower(),
        message=said.message,
        request_id=request.request_id,
        retry_after_s=retry.retry_delay.seconds if "google.rpc.RetryInfo" in found else None,
    )
