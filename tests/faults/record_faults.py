"""Faults of what is kept: the stream, the broker's store, the database, messages, disks, models."""

import asyncio
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import onnx
import psutil
from onnx import helper, numpy_helper

from core.jobs import TaskKind, Tier
from orchestrator.bus import STREAM
from orchestrator.lanes import Lane
from orchestrator.messages import TaskMessage
from tests.faults.cluster import Cluster
from tests.faults.process_faults import WORKERS
from tests.faults.services import networks_folder

ECHO_S = 3.0
ECHO_INTERVAL_S = 0.05


def delete_the_stream(cluster: Cluster) -> None:
    """JetStream's stream is deleted with every message in it."""

    async def delete() -> None:
        async with cluster.nats() as client:
            await client.jetstream().delete_stream(STREAM)

    asyncio.run(delete())


def empty_nats(cluster: Cluster) -> None:
    """kill -9 of NATS, which comes back with an empty store."""
    store = cluster.layout.home.path / "nats"
    cluster.kill("nats", before_start=lambda: shutil.rmtree(store))


def echo_messages(cluster: Cluster, random: Random) -> str:
    """Every task's message comes again and again, in any order, with epochs before and after the true one."""
    rows = cluster.sql("SELECT id, kind, tier, project_id, epoch FROM task WHERE status <> 'done'")
    tasks = [(Lane.of(TaskKind(row["kind"]), Tier(row["tier"]), row["project_id"]), row) for row in rows]

    async def echo() -> int:
        sent, until_s = 0, time.monotonic() + ECHO_S
        async with cluster.nats() as client:
            while time.monotonic() < until_s:
                for lane, row in random.sample(tasks, len(tasks)):
                    epoch = row["epoch"] + random.choice((-1, 0, 0, 1))
                    message = TaskMessage(task_id=row["id"], epoch=epoch)
                    await client.jetstream().publish(lane.subject, msgspec.json.encode(message))
                    sent += 1
                await asyncio.sleep(ECHO_INTERVAL_S)
        return sent

    return f"{asyncio.run(echo())} messages too many"


def terminate_connections(cluster: Cluster) -> None:
    """Postgres ends every connection."""
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def restore_postgres(cluster: Cluster, random: Random) -> None:
    """Postgres comes back as it was a moment ago: objects and messages are ahead of the record."""
    data = cluster.layout.postgres_data
    copy = data.with_name("postgres-copy")
    shutil.rmtree(copy, ignore_errors=True)
    cluster.kill("postgres", before_start=lambda: _copy(data, copy))
    time.sleep(random.uniform(0.5, 3.0))

    def restore() -> None:
        shutil.rmtree(data)
        _copy(copy, data)

    cluster.kill("postgres", before_start=restore)


def _copy(source: Path, target: Path) -> None:
    """With owners and modes."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True, timeout=60)


def broken_model(cluster: Cluster, random: Random) -> str:
    """Triton comes back with a network that computes NaN, and a little later with the right one."""
    return _with_a_wrong_network(cluster, random, _not_a_number)


def misshapen_model(cluster: Cluster, random: Random) -> str:
    """Triton comes back with a network that answers with one prediction or joint too few."""
    return _with_a_wrong_network(cluster, random, _one_too_few)


def _with_a_wrong_network(cluster: Cluster, random: Random, wrong: Callable[[onnx.ModelProto], None]) -> str:
    network = random.choice(("yolo", "hrnet"))
    file = networks_folder(cluster.layout) / network / "1" / "model.onnx"
    right = file.read_bytes()
    model = onnx.load(file)
    wrong(model)
    cluster.kill("triton", before_start=lambda: _write(file, model.SerializeToString()))
    time.sleep(random.uniform(0.5, 2.0))
    cluster.kill("triton", before_start=lambda: _write(file, right))
    return network


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def _not_a_number(model: onnx.ModelProto) -> None:
    """Every value that the network computes becomes NaN."""
    constant = numpy_helper.from_array(np.full(1, np.nan, np.float32), "nan")
    _append(model, "Mul", [constant])


def _one_too_few(model: onnx.ModelProto) -> None:
    """The last column of axis 1 is cut off; what the file declares stays."""
    bounds = {"cut_starts": 0, "cut_ends": -1, "cut_axes": 1}
    _append(model, "Slice", [numpy_helper.from_array(np.array([at]), name) for name, at in bounds.items()])


def _append(model: onnx.ModelProto, operator: str, constants: list[onnx.TensorProto]) -> None:
    """The network's output goes through one more operator."""
    output = model.graph.output[0].name
    model.graph.node[-1].output[0] = "right"
    model.graph.initializer.extend(constants)
    names = [constant.name for constant in constants]
    model.graph.node.append(helper.make_node(operator, ["right", *names], [output]))


def full_nats_disk(cluster: Cluster, random: Random) -> None:
    """NATS cannot write a byte for some seconds, long enough for a message to be lost."""
    process = cluster.process("nats")
    _limit_files(process, 0)
    time.sleep(random.uniform(2.0, 8.0))
    _limit_files(process, resource.RLIM_INFINITY)


def full_disk(cluster: Cluster, random: Random) -> None:
    """No process of ours can write a byte to a file for some seconds."""
    processes = [cluster.process(service) for service in (*WORKERS, "orchestrator", "api")]
    for process in processes:
        _limit_files(process, 0)
    time.sleep(random.uniform(2.0, 5.0))
    for process in processes:
        _limit_files(process, resource.RLIM_INFINITY)


def _limit_files(process: psutil.Process, size_bytes: int) -> None:
    process.rlimit(psutil.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))
