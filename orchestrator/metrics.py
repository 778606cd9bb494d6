"""What a process counts, for Prometheus; docs/observing.md explains each figure.

Labels come from fixed sets, but for `project`, of which there are at most `MAX_PROJECTS` and `OTHERS`.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from core.errors import PortTakenError
from core.jobs import TaskKind, Tier
from orchestrator.bus import STREAM, BusState
from orchestrator.settings import MetricsSettings
from orchestrator.store.figures import PoolUse, TaskCount, TierFigures

MAX_PROJECTS = 100
OTHERS = "(others)"
"""Stands for the projects beyond."""
_DURATIONS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Outcome(StrEnum):
    """How an attempt at a task ended."""

    DONE = "done"
    RETRIED = "retried"
    """It failed and will be tried again."""
    FAILED = "failed"
    """The input is to blame."""
    SET_ASIDE = "set_aside"
    """It failed after all its attempts."""
    LEASE_LOST = "lease_lost"
    HANDED_BACK = "handed_back"
    """The process stops."""
    UNSETTLED = "unsettled"
    """Postgres could not be told; its lease runs out."""


class Sending(StrEnum):
    """What became of a message."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


class _QueueGauges:
    """What waits in Postgres and JetStream."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Gauge(
            "marey_queue_runs", "Runs by what they wait for.", ("tier", "project", "state"), registry=registry
        )
        self._queued_frames = Gauge(
            "marey_queue_frames", "Frames of waiting runs.", ("tier", "project"), registry=registry
        )
        self._dwell_s = Gauge(
            "marey_queue_dwell_seconds", "From when a run was made until a worker took it.",
            ("tier", "project", "quantile"), registry=registry,
        )  # fmt: skip
        self._tier_dwell_s = Gauge(
            "marey_tier_dwell_seconds", "The same for a whole tier.", ("tier", "quantile"), registry=registry
        )
        self._frame_rate = Gauge(
            "marey_queue_frames_per_second", "Of the runs that ended lately.", ("tier", "project"),
            registry=registry,
        )  # fmt: skip
        self.tasks = Gauge("marey_tasks", "Tasks that are not over.", ("kind", "state"), registry=registry)
        self._bus_messages = Gauge("marey_nats_messages", "Not acknowledged.", ("stream",), registry=registry)
        self._bus_bytes = Gauge("marey_nats_bytes", "Of these messages.", ("stream",), registry=registry)
        self._bus_oldest_s = Gauge(
            "marey_nats_oldest_message_seconds", "Age of the oldest of them.", ("stream",), registry=registry
        )

    def hide(self) -> None:
        """Nothing of it is known."""
        for gauge in (
            self._runs, self._queued_frames, self._dwell_s, self._tier_dwell_s, self._frame_rate, self.tasks,
            self._bus_messages, self._bus_bytes, self._bus_oldest_s,
        ):  # fmt: skip
            gauge.clear()

    def show_bus(self, state: BusState) -> None:
        """What JetStream keeps."""
        self._bus_messages.labels(STREAM).set(state.messages)
        self._bus_bytes.labels(STREAM).set(state.size_bytes)
        self._bus_oldest_s.labels(STREAM).set(state.oldest_s)

    def show_row(self, row: TierFigures) -> None:
        """Of a tier, or of a project in it."""
        for quantile, dwell_s in (("0.5", row.dwell_p50_s), ("0.99", row.dwell_p99_s)):
            if dwell_s is not None and row.project is None:
                self._tier_dwell_s.labels(row.tier, quantile).set(dwell_s)
            elif dwell_s is not None:
                self._dwell_s.labels(row.tier, row.project, quantile).set(dwell_s)
        if row.project is not None:
            self._runs.labels(row.tier, row.project, "waiting").set(row.waiting_runs)
            self._runs.labels(row.tier, row.project, "in_flight").set(row.in_flight_runs)
            self._queued_frames.labels(row.tier, row.project).set(row.waiting_frames)
            self._frame_rate.labels(row.tier, row.project).set(row.frames_per_s)


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._attempts = Counter(
            "marey_task_attempts", "Attempts that ended.", ("kind", "tier", "outcome"), registry=registry
        )
        self._attempt_s = Histogram(
            "marey_task_attempt_duration_seconds", "Of attempts.", ("kind",), registry=registry,
            buckets=_DURATIONS_S,
        )  # fmt: skip
        self._under_way = Gauge(
            "marey_tasks_under_way", "Tasks that this process works on.", ("kind",), registry=registry
        )
        self._batch_s = Histogram(
            "marey_frame_batch_duration_seconds", "From its turn in the run to its commit.", ("tier",),
            registry=registry, buckets=_DURATIONS_S,
        )  # fmt: skip
        self._clusters = Gauge(
            "marey_triton_there", "0: it is away, and no runs for it are taken.", ("triton",),
            registry=registry,
        )  # fmt: skip
        self._frames = Counter("marey_frames", "Committed frames.", ("tier", "decoded"), registry=registry)
        self._poses = Counter("marey_poses", "Committed poses.", ("tier",), registry=registry)
        self._messages = Counter("marey_messages_sent", "By the relay.", ("result",), registry=registry)
        self._mended = Counter("marey_mended", "By the reconciler.", ("what",), registry=registry)
        self._queues = _QueueGauges(registry)

    def begin_attempt(self, kind: TaskKind) -> None:
        """Work on a task begins."""
        self._under_way.labels(kind).inc()

    def end_attempt(self, kind: TaskKind, tier: Tier, outcome: Outcome, duration_s: float) -> None:
        """Work on a task has ended."""
        self._under_way.labels(kind).dec()
        self._attempts.labels(kind, tier, outcome).inc()
        self._attempt_s.labels(kind).observe(duration_s)

    def count_batch(self, tier: Tier, frames: int, decoded: int, poses: int, duration_s: float) -> None:
        """A frame batch is committed."""
        self._batch_s.labels(tier).observe(duration_s)
        self._frames.labels(tier, "yes").inc(decoded)
        self._frames.labels(tier, "no").inc(frames - decoded)
        self._poses.labels(tier).inc(poses)

    def show_triton(self, url: str, is_there: bool) -> None:
        """Whether a Triton that this worker uses does its work."""
        self._clusters.labels(url).set(is_there)

    def count_message(self, result: Sending) -> None:
        """The relay has sent a message."""
        self._messages.labels(result).inc()

    def count_mended(self, mended: Mapping[str, int]) -> None:
        """The reconciler has made a round."""
        for what, count in mended.items():
            self._mended.labels(what).inc(count)

    def show_queue(self, figures: Sequence[TierFigures], tasks: Iterable[TaskCount]) -> None:
        """The state of the record, in place of the one before."""
        self._queues.hide()
        for row in with_few_projects(figures):
            self._queues.show_row(row)
        for task in tasks:
            self._queues.tasks.labels(task.kind, task.state).set(task.count)

    def hide_queue(self) -> None:
        """The state of the queues is not known."""
        self._queues.hide()

    def show_bus(self, state: BusState) -> None:
        """What JetStream keeps."""
        self._queues.show_bus(state)


def with_few_projects(figures: Sequence[TierFigures]) -> list[TierFigures]:
    """The figures of whole tiers and of the busiest projects; the others' are added up, without a dwell."""
    busy = Tally[str]()
    for row in figures:
        if row.project is not None:
            busy[row.project] += row.waiting_frames + row.in_flight_runs + 1
    named = {project for project, _ in busy.most_common(MAX_PROJECTS)}
    kept = [row for row in figures if row.project is None or row.project in named]
    rest = [row for row in figures if row.project is not None and row.project not in named]
    return kept + [_sum(tier, rows) for tier in Tier if (rows := [row for row in rest if row.tier is tier])]


def _sum(tier: Tier, rows: Sequence[TierFigures]) -> TierFigures:
    return TierFigures(
        tier=tier,
        project=OTHERS,
        waiting_runs=sum(row.waiting_runs for row in rows),
        waiting_frames=sum(row.waiting_frames for row in rows),
        in_flight_runs=sum(row.in_flight_runs for row in rows),
        dwell_p50_s=None,
        dwell_p99_s=None,
        frames_per_s=sum(row.frames_per_s for row in rows),
    )


def watch_pool(registry: CollectorRegistry, use: Callable[[], PoolUse]) -> None:
    """Show the connections to Postgres as they are when somebody asks."""
    gauge = Gauge("marey_pool_connections", "To Postgres.", ("state",), registry=registry)
    gauge.labels("in_use").set_function(lambda: use().in_use)
    gauge.labels("idle").set_function(lambda: use().idle)
    gauge.labels("possible").set_function(lambda: use().possible)


@contextmanager
def metrics_server(metrics: Metrics, settings: MetricsSettings) -> Iterator[None]:
    """Answer `GET /metrics` in a thread while the block lasts, if a port is set. Raises PortTakenError."""
    if settings.port is None:
        yield
        return
    try:
        server, thread = start_http_server(settings.port, settings.host, metrics.registry)
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        raise PortTakenError(f"metrics cannot be served on {address}: {error}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
