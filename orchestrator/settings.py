"""Settings of the orchestrator's processes, read from the environment once."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Self

from core.errors import ConfigurationError
from core.jobs import Tier
from orchestrator.bus import BusSettings
from orchestrator.environment import addresses, port_if_set, positive, positive_if_set
from orchestrator.file_cache import CacheSettings
from orchestrator.frame_path import FramePathSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """How long work may be silent before others take it over."""

    lease_s: float = 30.0
    """A task is another's after this long without a sign of life; renewed at a third of it."""
    sent_timeout_s: float = 60.0
    """A message that nobody took for this long is looked for, and sent again if it is lost."""
    reconcile_interval_s: float = 30.0
    poll_interval_s: float = 1.0
    """Between looks at Postgres or NATS when no hint comes."""
    drain_timeout_s: float = 15.0
    """On SIGTERM: for tasks and requests under way to end; what is left is handed back."""


RUNS_PER_ENGINE = 2
"""One in the decoder, one that waits for a slot or for Triton."""
REQUESTS_PER_ENGINE = 2
"""One that Triton works on, one that waits there."""
GPU_FRAMES = FramePathSettings(frames_per_request=32, slot_bytes=192 << 20)
"""A GPU's networks are much faster per frame in large batches, and each request has a fixed cost. A slot has
room for so many frames of 1080p."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoad:
    """What one worker does at a time. The defaults are for decoding on the CPU."""

    runs: int = 2
    requests: int = 4
    """To Triton, of all runs together."""
    frames: FramePathSettings = field(default_factory=FramePathSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """How much is under way at a time."""

    runs_window: int = 32
    """Runs per tier and project that wait in JetStream; the rest waits in Postgres."""
    steps_window: int = 32
    """The same for the other steps."""
    steps_in_flight: int = 2
    """Steps other than infer that one orchestrator works on at a time."""
    runs_in_flight: int | None = None
    """Runs that one worker works on at a time; None: as many as its decoders need."""
    requests_in_flight: int | None = None
    """Requests to Triton, of all runs of a worker together; None: likewise."""
    frames_per_request: int | None = None
    """Frames that travel to Triton together, if it takes so many; None: 8, or 32 decoded on a GPU."""
    workers: int = 1
    """Workers that share the machine's decoders and its Triton, which were made for what one has under way:
    each takes its part of that by itself."""

    def load(self, nvdec_engines: int = 0) -> "WorkerLoad":
        """What a worker does at a time that has so many NVDEC engines; 0: it decodes on the CPU."""
        usual = WorkerLoad()
        if nvdec_engines:
            usual = WorkerLoad(
                runs=RUNS_PER_ENGINE * nvdec_engines,
                requests=REQUESTS_PER_ENGINE * nvdec_engines,
                frames=GPU_FRAMES,
            )
        runs = self.runs_in_flight or ceil(usual.runs / self.workers)
        requests = self.requests_in_flight or ceil(usual.requests / self.workers)
        # In this process's memory, runs take turns at one slot: a decoder fills it with all cores.
        slots = requests + (runs if nvdec_engines else 1)
        frames = replace(usual.frames, slots=slots)
        if self.frames_per_request is not None:
            frames = replace(frames, frames_per_request=self.frames_per_request)
        return WorkerLoad(runs=runs, requests=requests, frames=frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Where a process without an API shows its metrics. Whoever reaches the port may read them."""

    host: str = "127.0.0.1"
    port: int | None = None
    """None: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the services are, and how work is dealt with."""

    database_url: str
    nats_url: str
    """One server or, separated by commas, those of a cluster."""
    triton_url: str
    """host:port of Triton's gRPC endpoint."""
    store_url: str
    """file:///directory of the objects, or s3://bucket/prefix; then AWS_* variables say the rest."""
    cluster_urls: frozenset[str] = frozenset()
    """host:port of the other Tritons that projects may run on."""
    only_project: str | None = None
    """Name of the project that a dedicated worker works for; None: all that have no worker to themselves."""
    only_tier: Tier | None = None
    """Tier that a dedicated worker works for; None: all."""
    ready_file: Path | None = None
    """Made once the process has opened everything that it works with."""
    worker_name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    nats_replicas: int = 1
    """Servers of a cluster that keep each message."""
    cache: CacheSettings = field(default_factory=CacheSettings)
    lease: LeaseSettings = LeaseSettings()
    queue: QueueSettings = QueueSettings()
    metrics: MetricsSettings = MetricsSettings()

    @property
    def bus(self) -> BusSettings:
        """What JetStream keeps to."""
        return BusSettings(replicas=self.nats_replicas, ack_wait_s=self.lease.lease_s)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read MAREY_DATABASE_URL, MAREY_NATS_URL, MAREY_TRITON_URL, MAREY_STORE_URL; MAREY_CLUSTER_URLS,
        MAREY_READY_FILE, MAREY_NATS_REPLICAS, MAREY_CACHE_DIR, MAREY_CACHE_BYTES, MAREY_RUNS_IN_FLIGHT,
        MAREY_REQUESTS_IN_FLIGHT, MAREY_FRAMES_PER_REQUEST, MAREY_WORKERS, MAREY_DRAIN_TIMEOUT_S,
        MAREY_METRICS_HOST and MAREY_METRICS_PORT may be left out.

        Raises ConfigurationError that names everything missing.
        """
        names = ("MAREY_DATABASE_URL", "MAREY_NATS_URL", "MAREY_TRITON_URL", "MAREY_STORE_URL")
        missing = [name for name in names if not environment.get(name)]
        if missing:
            raise ConfigurationError(f"expected the environment variables {', '.join(missing)}, got none")
        database, nats, triton, store = (environment[name] for name in names)
        return cls(
            database_url=database,
            nats_url=nats,
            triton_url=triton,
            store_url=store,
            cluster_urls=addresses(environment, "MAREY_CLUSTER_URLS"),
            ready_file=Path(ready_file) if (ready_file := environment.get("MAREY_READY_FILE")) else None,
            nats_replicas=positive(environment, "MAREY_NATS_REPLICAS", 1),
            cache=_cache(environment),
            lease=LeaseSettings(drain_timeout_s=_drain_timeout_s(environment)),
            queue=QueueSettings(
                runs_in_flight=positive_if_set(environment, "MAREY_RUNS_IN_FLIGHT"),
                requests_in_flight=positive_if_set(environment, "MAREY_REQUESTS_IN_FLIGHT"),
                frames_per_request=positive_if_set(environment, "MAREY_FRAMES_PER_REQUEST"),
                workers=positive(environment, "MAREY_WORKERS", 1),
            ),
            metrics=_metrics(environment),
        )


def _cache(environment: Mapping[str, str]) -> CacheSettings:
    usual = CacheSettings()
    folder = environment.get("MAREY_CACHE_DIR")
    return CacheSettings(
        folder=Path(folder) if folder else usual.folder,
        max_bytes=positive(environment, "MAREY_CACHE_BYTES", usual.max_bytes),
    )


def _metrics(environment: Mapping[str, str]) -> MetricsSettings:
    return MetricsSettings(
        host=environment.get("MAREY_METRICS_HOST", MetricsSettings().host),
        port=port_if_set(environment, "MAREY_METRICS_PORT"),
    )


def _drain_timeout_s(environment: Mapping[str, str]) -> int:
    """Bounded by the lease: what cannot be handed back in that time is lost anyway."""
    usual = LeaseSettings()
    timeout_s = positive(environment, "MAREY_DRAIN_TIMEOUT_S", int(usual.drain_timeout_s))
    if timeout_s > usual.lease_s:
        raise ConfigurationError(
            f"MAREY_DRAIN_TIMEOUT_S: expected at most {usual.lease_s:g}, the lease, got {timeout_s}"
        )
    return timeout_s
