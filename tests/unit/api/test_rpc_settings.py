"""Settings of the gRPC server."""

from pathlib import Path

import pytest

from api.rpc.settings import RpcSettings
from core.errors import ConfigurationError
from tests.services.certificates import Authority


def read(**environ: str) -> RpcSettings | None:
    return RpcSettings.from_environment(environ, "127.0.0.1", 8080)


def test_there_is_no_server_without_a_port() -> None:
    assert read() is None


def test_defaults() -> None:
    settings = read(MAREY_GRPC_PORT="8081")
    assert settings is not None
    assert (settings.address, settings.public_url) == ("127.0.0.1:8081", "http://127.0.0.1:8080")
    assert (settings.tls, settings.reflection) == (None, False)


def test_everything_given(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.issue("localhost")
    environ = {
        "MAREY_GRPC_PORT": "81",
        "MAREY_PUBLIC_URL": "https://marey.example/",
        "MAREY_GRPC_REFLECTION": "true",
        "MAREY_GRPC_CERT": str(server.certificate),
        "MAREY_GRPC_KEY": str(server.key),
        "MAREY_GRPC_CLIENT_CA": str(authority.certificate),
    }
    settings = RpcSettings.from_environment(environ, "::", 8080)
    assert settings is not None
    assert (settings.address, settings.reachable_host) == ("[::]:81", "::1")
    assert (settings.public_url, settings.reflection) == ("https://marey.example", True)
    assert settings.tls is not None
    assert settings.tls.client_ca == authority.certificate


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAREY_GRPC_PORT", "65536"),
        ("MAREY_GRPC_REFLECTION", "yes"),
        ("MAREY_GRPC_CERT", "missing.pem"),
        ("MAREY_GRPC_KEY", "missing.key"),
        ("MAREY_GRPC_CLIENT_CA", "missing.pem"),
    ],
)
def test_unusable_values_are_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        read(**{"MAREY_GRPC_PORT": "81", name: value})


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, other = authority.issue("localhost"), authority.issue("other")
    with pytest.raises(ConfigurationError, match="expected PEM files"):
        read(MAREY_GRPC_PORT="81", MAREY_GRPC_CERT=str(server.certificate), MAREY_GRPC_KEY=str(other.key))
