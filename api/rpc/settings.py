"""Settings of the gRPC server, which is part of the API's process."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from core.errors import ConfigurationError
from orchestrator.environment import port_if_set


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files. The server tells who it is, and with `client_ca` asks its clients to do so too (mTLS)."""

    certificate: Path
    """With the chain below it."""
    key: Path
    client_ca: Path | None = None
    """Who signed the certificates of the clients that may connect; None: any client may."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """MAREY_GRPC_CERT, MAREY_GRPC_KEY and MAREY_GRPC_CLIENT_CA; None without any of them.

        Raises ConfigurationError unless certificate and key are given, readable and a pair.
        """
        names = ("MAREY_GRPC_CERT", "MAREY_GRPC_KEY", "MAREY_GRPC_CLIENT_CA")
        certificate, key, client_ca = (environ.get(name) for name in names)
        if certificate is None and key is None and client_ca is None:
            return None
        if certificate is None or key is None:
            raise ConfigurationError(
                "expected MAREY_GRPC_CERT and MAREY_GRPC_KEY, with or without MAREY_GRPC_CLIENT_CA, got some"
            )
        files = cls(
            certificate=Path(certificate), key=Path(key), client_ca=Path(client_ca) if client_ca else None
        )
        files.check()
        return files

    def check(self) -> None:
        """Raise ConfigurationError for files that gRPC would refuse without a word."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
        except (ssl.SSLError, OSError) as error:
            raise ConfigurationError(
                f"gRPC: expected PEM files in MAREY_GRPC_CERT, MAREY_GRPC_KEY, MAREY_GRPC_CLIENT_CA: {error}"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcSettings:
    """Where the gRPC server listens, and what it bears."""

    port: int
    host: str = "127.0.0.1"
    public_url: str
    """Where clients reach the REST API: the links in answers start with it."""
    tls: TlsFiles | None = None
    """None: not encrypted."""
    reflection: bool = False
    """Whether anyone may ask for the protocol's description."""
    max_calls: int = 256
    """Under way at a time; more are refused."""
    max_calls_per_project: int = 64
    """The same, of one project."""

    @property
    def address(self) -> str:
        """Of the server: `127.0.0.1:8081`, `[::]:8081`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reachable_host(self) -> str:
        """Where this machine reaches the server."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], host: str, rest_port: int) -> Self | None:
        """MAREY_GRPC_PORT, without which there is no server; MAREY_PUBLIC_URL, MAREY_GRPC_REFLECTION and
        those of TlsFiles. `host` and `rest_port` are REST's. Raises ConfigurationError."""
        public_url = environ.get("MAREY_PUBLIC_URL") or f"http://{host}:{rest_port}"
        reflection = _switch(environ, "MAREY_GRPC_REFLECTION")
        tls = TlsFiles.from_environment(environ)
        if (port := port_if_set(environ, "MAREY_GRPC_PORT")) is None:
            return None
        return cls(
            port=port,
            host=host,
            public_url=public_url.rstrip("/"),
            tls=tls,
            reflection=reflection,
        )


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "false")
    if text not in {"true", "false"}:
        raise ConfigurationError(f"{name}: expected true or false, got {text!r}")
    return text == "true"
