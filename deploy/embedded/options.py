"""What the user can choose about an embedded stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from core.errors import ConfigurationError
from deploy.embedded.target import TargetWish


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalServices:
    """URLs of services that run elsewhere; None means that the stack starts its own."""

    database_url: str | None = None
    nats_url: str | None = None
    triton_url: str | None = None
    store_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """MAREY_DATABASE_URL, MAREY_NATS_URL, MAREY_TRITON_URL and MAREY_STORE_URL; empty counts as unset."""
        return cls(
            database_url=environment.get("MAREY_DATABASE_URL") or None,
            nats_url=environment.get("MAREY_NATS_URL") or None,
            triton_url=environment.get("MAREY_TRITON_URL") or None,
            store_url=environment.get("MAREY_STORE_URL") or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """One stack."""

    home: Path
    api_port: int | None = None
    """None takes a free one and keeps it for the next run."""
    external: ExternalServices = ExternalServices()
    models: Path | None = None
    """Folder of the user's networks (`marey models import`), which take the place of the shipped ones."""

    target: TargetWish = "auto"
    """What the networks run on; `auto` takes a GPU that PyTorch can use."""
    engines: Path | None = None
    """Folder of TensorRT engines to run there instead of PyTorch's."""
    workers: int = 1
    """Processes that share the stack's decoders and its Triton."""

    def __post_init__(self) -> None:
        if self.models is not None and self.external.triton_url:
            raise ConfigurationError(
                f"expected networks for a Triton of this stack, got {self.models} and MAREY_TRITON_URL: "
                "a server that runs elsewhere has networks of its own"
            )
