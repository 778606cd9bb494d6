"""Every method x every role x one's own, another's and nobody's objects, from the protocol's description."""

from contextlib import ExitStack
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.services.api import RunningApi, execute, finish_job, upload
from tests.services.rpc import METHODS, RpcClient, call_with_bytes, refused, rpc_client
from tests.services.tenants import new_account

WITH_IDS = [
    method for method in METHODS if {"job_id", "video_id", "job"} & set(method.input_type.fields_by_name)
]
"""Those that name an object."""
NOBODYS = 987_654_321


@dataclass(frozen=True, slots=True)
class Ids:
    """What the requests of a test name."""

    job_id: int
    video_id: int
    input_key: str


def request_of(method: MethodDescriptor, ids: Ids) -> Message:
    """A request about the objects of `ids`."""
    message = GetMessageClass(method.input_type)()
    for name in ("job_id", "video_id"):
        if name in method.input_type.fields_by_name:
            setattr(message, name, getattr(ids, name))
    if "job" in method.input_type.fields_by_name:
        message.job.input_key = ids.input_key  # type: ignore[attr-defined]
    return message


def call(client: RpcClient, method: MethodDescriptor, ids: Ids) -> None:
    """Make the call and wait for its first answer."""
    call_with_bytes(client, method, request_of(method, ids).SerializeToString())


def refusal(client: RpcClient, method: MethodDescriptor, ids: Ids) -> tuple[grpc.StatusCode, str, str]:
    """Status, code and message without its ids."""
    with pytest.raises(grpc.RpcError) as error:
        call(client, method, ids)
    got = refused(error.value)
    message = got.message
    for own in (ids.input_key, str(ids.job_id), str(ids.video_id)):
        message = message.replace(own, "ID")
    return got.status, got.code, message


@pytest.fixture
def mine(api: RunningApi) -> Ids:
    """Objects of the project of the API's first administrator."""
    key = upload(api)
    job = api.client.create_job(key)
    video_id = finish_job(api, job.id)
    execute(api, "UPDATE video SET status = 'failed', error_code = 'no_frames' WHERE id = $1", video_id)
    return Ids(job.id, video_id, key)


def test_the_protocol_has_every_kind_of_method() -> None:
    kinds = {(method.client_streaming, method.server_streaming) for method in METHODS}
    assert kinds == {(False, False), (False, True), (True, False), (True, True)}
    assert [method.name for method in METHODS if method not in WITH_IDS] == ["Analyze"]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_without_a_key_nothing_opens(api: RunningApi, mine: Ids, method: MethodDescriptor) -> None:
    revoked = api.api_key[:-1] + ("0" if api.api_key[-1] != "0" else "1")
    for key in (None, "no key", revoked):
        with rpc_client(api.rpc_address, key) as anyone:
            status, code, _ = refusal(anyone, method, mine)
            assert (status, code) == (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated")


@pytest.mark.parametrize("role", ["member", "admin"])
@pytest.mark.parametrize("method", WITH_IDS, ids=lambda method: method.name)
def test_the_objects_of_others_are_like_nobodys(
    api: RunningApi, mine: Ids, role: str, method: MethodDescriptor
) -> None:
    with ExitStack() as stack:
        account = stack.enter_context(new_account(api, role))
        other = stack.enter_context(rpc_client(api.rpc_address, account.api_key))
        nobodys = Ids(NOBODYS, NOBODYS, f"uploads/{account.ids['project']}/{'0' * 32}.zip")
        got = refusal(other, method, mine)
        assert got == refusal(other, method, nobodys)
        assert got[1] in {"not_found", "invalid_parameter"}


@pytest.mark.parametrize("method", WITH_IDS, ids=lambda method: method.name)
def test_everybody_reaches_what_is_his(api: RunningApi, mine: Ids, method: MethodDescriptor) -> None:
    with rpc_client(api.rpc_address, api.api_key) as owner:
        if method.name == "StreamPoses":
            assert refusal(owner, method, mine)[1] == "no_frames"
        else:
            call(owner, method, mine)
