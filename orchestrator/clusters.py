"""The Triton servers that projects run on: which are allowed, and the connections of one worker."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

from core.errors import ClusterNotAllowedError, ModelContractError
from core.networks import UNKNOWN, Networks
from orchestrator.settings import Settings
from orchestrator.stages.infer import PoseSource
from orchestrator.triton import TritonClient


def check_cluster(cluster_url: str, allowed: frozenset[str]) -> None:
    """Raise ClusterNotAllowedError unless the address is, letter by letter, one of those allowed.

    The servers of the installation connect to it, so nobody but the operator decides where they may.
    """
    if cluster_url not in allowed:
        raise ClusterNotAllowedError(
            f"project_cluster_url: expected an address that the operator allows (MAREY_CLUSTER_URLS), "
            f"got {cluster_url!r}"
        )


@asynccontextmanager
async def open_cluster(cluster_url: str, allowed: frozenset[str]) -> AsyncIterator[TritonClient]:
    """A connection to a project's Triton, which keeps the contract, computes and tells its networks.

    Raises ClusterNotAllowedError, ModelContractError, InferenceError leaves.
    """
    check_cluster(cluster_url, allowed)
    async with await TritonClient.open(cluster_url) as triton:
        try:
            await triton.check_contract()
            await triton.canary()
            require_digests(await triton.networks())
        except ModelContractError as error:
            raise ModelContractError(f"Triton at {cluster_url}: {error}") from error
        yield triton


@asynccontextmanager
async def open_triton(settings: Settings, cluster_url: str | None) -> AsyncIterator[TritonClient]:
    """A connection to the Triton that a project runs on; None: to the installation's own."""
    if cluster_url is not None:
        async with open_cluster(cluster_url, settings.cluster_urls) as triton:
            yield triton
    else:
        async with await TritonClient.open(settings.triton_url) as triton:
            yield triton


def require_digests(networks: Networks) -> None:
    """Raise ModelContractError for networks that cannot be told from those of another server."""
    silent = sorted(name for name, digest in networks.items() if digest == UNKNOWN)
    if silent:
        raise ModelContractError(
            f"expected the SHA-256 of each network in its configuration, got none for {', '.join(silent)}. "
            "Serve a repository that this version of Marey has built."
        )


class Clusters:
    """The Tritons of one worker: its own, and those of projects, each opened when it is first needed.

    An async context manager, which closes what it opened.
    """

    def __init__(
        self, own: PoseSource, connect: Callable[[str], AbstractAsyncContextManager[PoseSource]]
    ) -> None:
        """`connect` checks a server and makes the way of frames to it."""
        self._own = own
        self._connect = connect
        self._open: dict[str, PoseSource] = {}
        self._opening: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    async def of(self, cluster_url: str | None) -> PoseSource:
        """The way to the Triton at an address; None: the worker's own. Raises what `connect` raises; then the
        next call tries again."""
        if cluster_url is None:
            return self._own
        async with self._opening[cluster_url]:
            if cluster_url not in self._open:
                self._open[cluster_url] = await self._closing.enter_async_context(self._connect(cluster_url))
        return self._open[cluster_url]

    async def ask(self, cluster_url: str | None) -> Networks:
        """What the Triton at an address serves now. Raises InferenceError leaves if it does not answer."""
        return await (await self.of(cluster_url)).networks()
