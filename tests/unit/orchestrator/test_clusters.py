"""The pool of a worker's Tritons, and which are allowed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from core.errors import ClusterNotAllowedError, InferenceUnavailableError, ModelContractError
from orchestrator.clusters import Clusters, check_cluster, require_digests
from orchestrator.stages.infer import PoseSource
from tests.services.poses import KnownPoses


@dataclass
class Servers:
    """Counts who is open."""

    away: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def connect(self, cluster_url: str) -> AsyncIterator[PoseSource]:
        """Takes a moment."""
        await asyncio.sleep(0)
        if cluster_url in self.away:
            raise InferenceUnavailableError("connection refused")
        self.opened.append(cluster_url)
        yield KnownPoses(served={"yolo": cluster_url})
        self.closed.append(cluster_url)


async def test_each_is_opened_once_when_it_is_needed_and_closed_at_the_end() -> None:
    servers, own = Servers(), KnownPoses()
    async with Clusters(own, servers.connect) as clusters:
        assert await clusters.of(None) is own
        assert servers.opened == []
        first, again = await asyncio.gather(clusters.of("a:1"), clusters.of("a:1"))
        assert first is again
        assert await clusters.ask("b:1") == {"yolo": "b:1"}
        assert (servers.opened, servers.closed) == (["a:1", "b:1"], [])
    assert sorted(servers.closed) == ["a:1", "b:1"]


async def test_one_that_was_away_is_tried_again() -> None:
    servers = Servers(away={"a:1"})
    async with Clusters(KnownPoses(), servers.connect) as clusters:
        with pytest.raises(InferenceUnavailableError):
            await clusters.ask("a:1")
        servers.away.clear()
        assert await clusters.ask("a:1") == {"yolo": "a:1"}


@pytest.mark.parametrize("url", ["b:1", "A:1", "a:1 ", "grpc://a:1", "a:01", "", "unix:/run/a"])
def test_only_what_the_operator_wrote_is_allowed(url: str) -> None:
    check_cluster("a:1", frozenset({"a:1"}))
    with pytest.raises(ClusterNotAllowedError, match="MAREY_CLUSTER_URLS"):
        check_cluster(url, frozenset({"a:1"}))


def test_networks_without_digests_are_refused() -> None:
    require_digests({"yolo": "1", "hrnet": "2"})
    with pytest.raises(ModelContractError, match="hrnet"):
        require_digests({"yolo": "1", "hrnet": "unknown"})
