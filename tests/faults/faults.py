"""All faults by name: each hurts a cluster in the middle of a job and returns once the hurt is over, with a
detail for the report."""

from collections.abc import Callable, Mapping
from random import Random

from tests.faults import network_faults, process_faults, record_faults
from tests.faults.cluster import Cluster
from tests.faults.services import USES

Fault = Callable[[Cluster, Random], str | None]


def _on(hurt: Callable[[Cluster, str], str | None], service: str) -> Fault:
    return lambda cluster, _: hurt(cluster, service)


def _between(hurt: Callable[[Cluster, str, str, Random], str], role: str, service: str) -> Fault:
    return lambda cluster, random: hurt(cluster, role, service, random)


def _without(service: str) -> Fault:
    return lambda cluster, random: process_faults.restart_without(cluster, service, random)


FAULTS: Mapping[str, Fault] = {
    **{
        f"kill_{service}": _on(process_faults.kill, service)
        for service in ("api", "orchestrator", "triton", "nats", "postgres")
    },
    "kill_worker": process_faults.kill_a_worker,
    "kill_triton_stub": process_faults.kill_a_stub,
    "kill_everything": process_faults.kill_everything,
    "stop_worker": process_faults.stop_a_worker,
    "stop_orchestrator": process_faults.stop_orchestrator,
    **{
        f"outage_{service}": _on(process_faults.outage, service) for service in ("postgres", "nats", "triton")
    },
    "outage_triton_stub": process_faults.outage_of_a_stub,
    **{f"hang_{service}": _on(process_faults.hang, service) for service in ("postgres", "nats", "triton")},
    "hang_triton_stub": process_faults.hang_a_stub,
    **{
        f"hang_{service}_for_good": _on(process_faults.hang_for_good, service)
        for service in ("postgres", "nats", "triton")
    },
    "hang_triton_stub_for_good": process_faults.hang_a_stub_for_good,
    "hang_one_of_two_stubs": process_faults.hang_one_of_two_stubs,
    **{f"restart_without_{service}": _without(service) for service in ("postgres", "nats")},
    "slow_triton": process_faults.slow_triton,
    "delete_stream": lambda cluster, _: record_faults.delete_the_stream(cluster),
    "empty_nats": lambda cluster, _: record_faults.empty_nats(cluster),
    "echo_messages": record_faults.echo_messages,
    "terminate_connections": lambda cluster, _: record_faults.terminate_connections(cluster),
    "restore_postgres": record_faults.restore_postgres,
    "full_disk": record_faults.full_disk,
    "full_nats_disk": record_faults.full_nats_disk,
    "broken_model": record_faults.broken_model,
    "misshapen_model": record_faults.misshapen_model,
    **{
        f"partition_{role}_{service}": _between(network_faults.partition, role, service)
        for role, services in USES.items()
        for service in services
    },
    **{
        f"lose_reply_{role}_{service}": _between(network_faults.lose_a_reply, role, service)
        for role in ("orchestrator", "worker")
        for service in USES[role]
    },
    "lose_commit": network_faults.lose_a_commit,
}
SHORT = (
    "kill_worker",
    "kill_postgres",
    "stop_worker",
    "empty_nats",
    "restore_postgres",
    "partition_worker_store",
)
"""Those of `make test`."""


def needs_s3(fault: str) -> bool:
    """Whether the fault is of the way to an object store on another machine."""
    return fault.endswith("_store")
