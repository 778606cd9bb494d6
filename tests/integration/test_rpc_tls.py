"""gRPC over TLS, and with certificates on both sides."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from marey.v1.jobs_pb2 import GetJobRequest

from api.rpc.settings import TlsFiles
from tests.integration.test_rpc_server import with_rpc
from tests.services.api import RunningApi, running_api
from tests.services.certificates import Authority, Pair
from tests.services.rpc import RpcClient, refused


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def tls_api(database_url: str, folder: Path, authority: Authority, *, both: bool) -> Iterator[RunningApi]:
    """An API whose gRPC server has a certificate for `localhost`; `both` sides need one."""
    server = authority.issue("localhost")
    client_ca = authority.certificate if both else None
    tls = TlsFiles(certificate=server.certificate, key=server.key, client_ca=client_ca)
    with running_api(with_rpc(database_url, folder, tls=tls)) as api:
        yield api


@contextmanager
def tls_client(api: RunningApi, ca: Path, own: Pair | None = None) -> Iterator[RpcClient]:
    """A client that trusts `ca`."""
    key, chain = (own.key.read_bytes(), own.certificate.read_bytes()) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), key, chain)
    port = api.rpc_address.rpartition(":")[2]
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        yield RpcClient(channel=channel, api_key=api.api_key)


def status_of(client: RpcClient) -> grpc.StatusCode:
    """Of a call for a job that there is not: NOT_FOUND if it got through."""
    with pytest.raises(grpc.RpcError) as error:
        client.jobs.GetJob(GetJobRequest(job_id=1), timeout=5, metadata=client.metadata)
    assert isinstance(error.value, grpc.Call)
    if error.value.code() is grpc.StatusCode.NOT_FOUND:
        assert refused(error.value).code == "not_found"
    return error.value.code()


def test_a_client_trusts_the_authority(database_url: str, tmp_path: Path, authority: Authority) -> None:
    with tls_api(database_url, tmp_path, authority, both=False) as api:
        with tls_client(api, authority.certificate) as client:
            assert status_of(client) is grpc.StatusCode.NOT_FOUND
        stranger = Authority(made(tmp_path / "stranger"))
        with tls_client(api, stranger.certificate) as client:
            assert status_of(client) is grpc.StatusCode.UNAVAILABLE
        with grpc.insecure_channel(api.rpc_address) as channel:
            plain = RpcClient(channel=channel, api_key=api.api_key)
            assert status_of(plain) is grpc.StatusCode.UNAVAILABLE
        assert api.http.get("/health/ready").json()["checks"]["grpc"] == "ok"


def test_a_client_needs_a_certificate_of_its_own(
    database_url: str, tmp_path: Path, authority: Authority
) -> None:
    with tls_api(database_url, tmp_path, authority, both=True) as api:
        with tls_client(api, authority.certificate, authority.issue("client")) as client:
            assert status_of(client) is grpc.StatusCode.NOT_FOUND
        with tls_client(api, authority.certificate) as client:
            assert status_of(client) is grpc.StatusCode.UNAVAILABLE
        stranger = Authority(made(tmp_path / "stranger"))
        with tls_client(api, authority.certificate, stranger.issue("client")) as client:
            assert status_of(client) is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_does_not_replace_a_key(
    database_url: str, tmp_path: Path, authority: Authority
) -> None:
    with (
        tls_api(database_url, tmp_path, authority, both=True) as api,
        tls_client(api, authority.certificate, authority.issue("client")) as client,
    ):
        nobody = RpcClient(channel=client.channel, api_key=None)
        assert status_of(nobody) is grpc.StatusCode.UNAUTHENTICATED


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder
