"""Three NATS nodes and two workers, each on a machine of its own: one is cut off, a node is killed."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import asyncpg
import pytest

from core.jobs import JobStatus
from deploy.embedded.nats import binary
from deploy.embedded.process import ServiceCommand
from orchestrator.file_cache import CacheSettings
from orchestrator.object_stores import open_object_store
from tests.media import Clip, write_clip
from tests.services.leases import assert_consistent
from tests.services.network import HUB_ADDRESS, Machine, Network, is_listening, is_possible, network, relay
from tests.services.orchestrator import System, zip_of
from tests.services.processes import ROOT, MareyProcess, marey_process
from tests.services.running import running
from tests.services.s3 import S3Server
from tests.services.triton import TritonServer
from tests.services.waiting import eventually

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not is_possible(), reason="this system allows no network namespaces"),
]
NODES = ["nats-1", "nats-2", "nats-3"]
WORKERS = ["worker-1", "worker-2"]
SMALL_RUNS = {"frame_batch_frames": 8, "batches_per_run": 2, "overlay": "off"}
LEASE_S = 5
LONG_S = 120.0
HAS_LEADER = """
import asyncio, sys, nats
async def main():
    client = await nats.connect(sys.argv[1].split(","), max_reconnect_attempts=1, connect_timeout=2)
    await client.jetstream(timeout=1).account_info()
asyncio.run(main())
"""
STREAM_INFO = """
import asyncio, json, sys, nats
async def main():
    client = await nats.connect(sys.argv[1].split(","), max_reconnect_attempts=1, connect_timeout=2)
    info = await client.jetstream().stream_info("MAREY")
    peers = [peer.current for peer in info.cluster.replicas or []]
    print(json.dumps([info.config.num_replicas, info.cluster.leader, peers, info.state.messages]))
    await client.close()
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything but Marey's own processes."""

    net: Network
    nodes: Mapping[str, subprocess.Popen[bytes]]
    environment: Mapping[str, str]

    def stream(self) -> tuple[int, str, list[bool], int]:
        """Replicas, leader, whether each follower is current, messages."""
        said = self.net.hub.run(sys.executable, "-c", STREAM_INFO, self.environment["MAREY_NATS_URL"])
        replicas, leader, peers, messages = json.loads(said)
        return replicas, leader, peers, messages


@pytest.fixture
def site(system: System, s3_server: S3Server, probe_triton: TritonServer, tmp_path: Path) -> Iterator[Site]:
    """Machines, a NATS cluster; Postgres, S3 and Triton at the hub's address."""
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(network(NODES + WORKERS))
        nodes = {name: stack.enter_context(nats_node(net.machines[name], tmp_path)) for name in NODES}
        servers = ",".join(f"nats://{net.machines[name].address}:4222" for name in NODES)
        until_jetstream_works(net.hub, servers)
        database = urlsplit(system.settings.database_url)
        postgres = Path(parse_qs(database.query)["host"][0], ".s.PGSQL.5432")
        sockets = {5432: postgres, 8333: tmp_path / "s3", 8001: tmp_path / "triton"}
        for place, target in (
            (sockets[8333], f"127.0.0.1:{s3_server.port}"),
            (sockets[8001], probe_triton.url),
        ):
            stack.enter_context(relay((), f"unix:{place}", f"tcp:{target}", place.exists))
        for port, place in sockets.items():
            listening = is_listening(net.hub, port)
            stack.enter_context(
                relay(net.hub.command(), f"tcp:{HUB_ADDRESS}:{port}", f"unix:{place}", listening)
            )
        yield Site(
            net=net,
            nodes=nodes,
            environment={
                **s3_server.environment,
                "AWS_ENDPOINT_URL": f"http://{HUB_ADDRESS}:8333",
                "MAREY_DATABASE_URL": f"postgresql://postgres@{HUB_ADDRESS}:5432{database.path}",
                "MAREY_TRITON_URL": f"{HUB_ADDRESS}:8001",
                "MAREY_NATS_URL": servers,
                "MAREY_NATS_REPLICAS": "3",
                "MAREY_RUNS_IN_FLIGHT": "1",
            },
        )


@contextlib.contextmanager
def nats_node(machine: Machine, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A node with the committed configuration."""
    routes = ", ".join(f"nats://10.77.0.{number}:6222" for number in range(1, len(NODES) + 1))
    log = folder / f"{machine.name}.log"
    command = ServiceCommand(
        name=machine.name,
        argv=machine.command(str(binary()), "-c", str(ROOT / "deploy" / "nats" / "cluster.conf")),
        env={
            "NATS_NODE": machine.name,
            "NATS_STORE": str(folder / machine.name),
            "NATS_ROUTES": f"[{routes}]",
        },
        cwd=folder,
        stop_signal=signal.SIGKILL,
    )
    with running(command, log, lambda: "Server is ready" in log.read_text()) as process:
        yield process


def until_jetstream_works(hub: Machine, servers: str) -> None:
    """Wait until the nodes have found each other and elected a leader."""
    deadline_s = time.monotonic() + LONG_S
    command = hub.command(sys.executable, "-c", HAS_LEADER, servers)
    while subprocess.run(command, capture_output=True, check=False, timeout=60).returncode:
        assert time.monotonic() < deadline_s


@contextlib.contextmanager
def on(machine: Machine, role: str, site: Site, url: str, folder: Path) -> Iterator[MareyProcess]:
    """`marey ROLE` on a machine, with a cache of its own."""
    own = folder / machine.name
    own.mkdir(exist_ok=True)
    environment = {
        **site.environment,
        "MAREY_STORE_URL": url,
        "MAREY_CACHE_DIR": str(own / "cache"),
    }
    with marey_process(role, environment, own, machine.command()) as process:
        yield process


async def test_a_job_survives_a_worker_cut_off_and_a_dead_node(
    system: System, site: Site, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    url = s3_server.url(uuid4().hex)
    system = replace(system, objects=open_object_store(url, CacheSettings(folder=tmp_path / "cache")))
    package = zip_of(tmp_path / "p.zip", {"v.mp4": write_clip(tmp_path / "v.mp4", Clip(frames=95))})
    connection = await asyncpg.connect(system.settings.database_url)
    await connection.execute(f"UPDATE project SET project_levers = '{{\"lease_s\": {LEASE_S}}}'")
    machines = site.net.machines

    async def count(statement: str) -> int:
        return int(await connection.fetchval(statement))

    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, on(site.net.hub, "orchestrator", site, url, tmp_path))
        job_id = await system.submit(package, SMALL_RUNS)
        await eventually(lambda: is_true(count("SELECT count(*) FROM frame_batch")), LONG_S)
        replicas, leader, peers, _ = await asyncio.to_thread(site.stream)
        assert (replicas, peers) == (3, [True, True])

        async with connection.transaction():
            await connection.execute("SELECT id FROM frame_batch FOR UPDATE")
            workers = [
                await asyncio.to_thread(
                    stack.enter_context, on(machines[name], "worker", site, url, tmp_path)
                )
                for name in WORKERS
            ]
            await eventually(
                lambda: is_true(
                    count(
                        "SELECT count(DISTINCT worker) = 2 AND bool_and(wait_event_type = 'Lock') FROM task,"
                        " (SELECT wait_event_type FROM pg_stat_activity WHERE query LIKE '%frame_batch%'"
                        "  AND state = 'active' AND pid <> pg_backend_pid()) AS others"
                        " WHERE kind = 'infer' AND status = 'leased'"
                    )
                ),
                LONG_S,
            )
            lost = random.Random(os.urandom(4)).choice(WORKERS)
            site.net.cut_off(lost)
            site.nodes[leader].kill()

        job = await system.ended(job_id, LONG_S)
        assert job.status is JobStatus.COMPLETED
        site.net.connect_again(lost)
        # The commit of the one that was cut off may have held although nobody could tell it so: then its run
        # has nothing open, and ends once another has leased it.
        await eventually(
            lambda: is_true(count("SELECT CAST(bool_and(status = 'done') AS int) FROM task")), LONG_S
        )
        for worker in workers:
            worker.process.send_signal(signal.SIGTERM)
        for worker in workers:
            assert await asyncio.to_thread(worker.ended, 60) == 0, worker.log.read_text()
        await assert_consistent(system, (await system.store.videos(job_id))[0].id)
        replicas, new_leader, _, _ = await asyncio.to_thread(site.stream)
        assert new_leader != leader
    await connection.close()


async def is_true(count: object) -> bool:
    """Whether an awaited number is not 0."""
    return bool(await count)  # type: ignore[misc]
