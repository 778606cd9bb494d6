"""The orchestrator's two processes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from core.errors import InferenceError
from core.jobs import TaskKind
from ingest.archive import ArchiveLimits
from ingest.probe import MediaLimits
from orchestrator.bus import Bus
from orchestrator.clusters import Clusters, open_cluster
from orchestrator.frame_path import FramePath
from orchestrator.gpu_decoding import open_gpu_decoding
from orchestrator.intake import Intake
from orchestrator.lanes import Queue, Scope
from orchestrator.metrics import Metrics, metrics_server, watch_pool
from orchestrator.object_stores import open_object_store
from orchestrator.objects import ObjectStore
from orchestrator.process import ends_before, mark_ready, run_until_signal
from orchestrator.queue_watch import QueueWatch
from orchestrator.reconciler import Reconciler
from orchestrator.relay import Relay
from orchestrator.runner import Runner, RunnerOptions, Step
from orchestrator.settings import Settings, WorkerLoad
from orchestrator.stages.collect_job import CollectJobStep
from orchestrator.stages.collect_video import CollectVideoStep
from orchestrator.stages.infer import InferStep, PoseSource
from orchestrator.stages.initialize import InitializeStep
from orchestrator.stages.submit import SubmitStep
from orchestrator.standby import Show, Standby
from orchestrator.store import Store
from orchestrator.store.migrate import migrate
from orchestrator.triton import TritonClient
from orchestrator.waiting import Wake

_logger = logging.getLogger(__name__)


def run_orchestrator(settings: Settings) -> None:
    """Relay, reconcile and work on every step but inference, until SIGINT or SIGTERM.

    Raises ConfigurationError, StoreError or BusError if it cannot start.
    """
    run_until_signal(lambda stop: serve_orchestrator(settings, stop))


def run_worker(settings: Settings) -> None:
    """Work on runs until SIGINT or SIGTERM. Triton is waited for; it must keep its contract.

    Raises ModelContractError if Triton serves other models than this version knows, NotFoundError for a
    project that there is not, StoreError or BusError if the worker cannot start.
    """
    run_until_signal(lambda stop: serve_worker(settings, stop))


async def serve_orchestrator(settings: Settings, stop: asyncio.Event) -> None:
    """`run_orchestrator` until `stop` is set. Brings the database to the current schema first."""
    await migrate(settings.database_url)
    objects, metrics = open_object_store(settings.store_url, settings.cache), Metrics()
    async with (
        Store.open(settings.database_url) as store,
        Bus.open(settings.nats_url, settings.bus) as bus,
    ):
        await bus.provision()
        watch_pool(metrics.registry, store.figures.pool_use)
        relay = Relay(store, bus, settings.queue, settings.lease, metrics)
        reconciler = Reconciler(store, bus, settings.lease, metrics)
        intake = Intake(store.tasks, bus, Scope(queue=Queue.STEPS), settings.lease.poll_interval_s)
        runner = Runner(store, intake, orchestrator_steps(store, objects), _step_options(settings), metrics)
        with metrics_server(metrics, settings.metrics):
            async with asyncio.TaskGroup() as group:
                group.create_task(relay.run(Wake(stop)), name="relay")
                group.create_task(reconciler.run(Wake(stop)), name="reconciler")
                group.create_task(runner.run(Wake(stop)), name="runner")
                if settings.metrics.port is not None:
                    watch = QueueWatch(store, bus, metrics)
                    group.create_task(watch.run(Wake(stop)), name="queue watch")
                mark_ready(settings.ready_file)


async def serve_worker(settings: Settings, stop: asyncio.Event) -> None:
    """`run_worker` until `stop` is set."""
    triton = await _open_triton(settings, stop)
    if triton is None:
        return
    async with triton:
        if not await ends_before(stop, _check(triton)):
            return
        gpu = await open_gpu_decoding(triton)
        load = settings.queue.load(gpu.engines if gpu is not None else 0)
        async with FramePath(triton, load.frames, gpu) as frame_path:
            await work_on_runs(settings, frame_path, stop, load)


async def work_on_runs(
    settings: Settings, poses: PoseSource, stop: asyncio.Event, load: WorkerLoad | None = None
) -> None:
    """Work on runs until `stop` is set: with `poses`, or with the Triton that a run's project names.

    Raises NotFoundError for an unknown project.
    """
    load = load or settings.queue.load()
    objects, metrics = open_object_store(settings.store_url, settings.cache), Metrics()
    async with (
        Store.open(settings.database_url) as store,
        Bus.open(settings.nats_url, settings.bus) as bus,
        Clusters(poses, partial(_cluster, settings, load)) as clusters,
        Standby(clusters.ask, settings.lease.poll_interval_s, _shown(settings, metrics)) as standby,
    ):
        watch_pool(metrics.registry, store.figures.pool_use)
        steps = {TaskKind.INFER: InferStep(store, objects, clusters, metrics)}
        scope = await _scope_of_runs(settings, store)
        intake = Intake(store.tasks, bus, scope, settings.lease.poll_interval_s)
        runner = Runner(store, intake, steps, _run_options(settings, load), metrics, standby)
        with metrics_server(metrics, settings.metrics):
            mark_ready(settings.ready_file)
            await runner.run(Wake(stop))


@asynccontextmanager
async def _cluster(settings: Settings, load: WorkerLoad, cluster_url: str) -> AsyncIterator[PoseSource]:
    """The way of frames to the Triton of a project: in POSIX shared memory where that can read it, else in
    the requests."""
    async with (
        open_cluster(cluster_url, settings.cluster_urls) as triton,
        FramePath(triton, load.frames) as frame_path,
    ):
        yield frame_path


def _shown(settings: Settings, metrics: Metrics) -> Show:
    return lambda cluster_url, is_there: metrics.show_triton(cluster_url or settings.triton_url, is_there)


def orchestrator_steps(store: Store, objects: ObjectStore) -> Mapping[TaskKind, Step]:
    """Every step but inference."""
    return {
        TaskKind.INITIALIZE: InitializeStep(store, objects, ArchiveLimits()),
        TaskKind.SUBMIT: SubmitStep(store, objects, MediaLimits()),
        TaskKind.COLLECT_VIDEO: CollectVideoStep(store, objects),
        TaskKind.COLLECT_JOB: CollectJobStep(store, objects),
    }


async def _check(triton: TritonClient) -> None:
    await triton.check_contract()
    await triton.canary()


async def _open_triton(settings: Settings, stop: asyncio.Event) -> TritonClient | None:
    """A connection to a ready server; None if `stop` came first. What it waits for is said once."""
    wake = Wake(stop)
    said = ""
    while not stop.is_set():
        try:
            return await TritonClient.open(settings.triton_url)
        except InferenceError as error:
            waiting = f"waiting for Triton at {settings.triton_url}: {error}"
            if waiting != said:
                _logger.warning("%s", waiting, extra={"action": "wait_triton"})
                said = waiting
            await wake.wait(settings.lease.poll_interval_s)
    return None


async def _scope_of_runs(settings: Settings, store: Store) -> Scope:
    name = settings.only_project
    project_id = None if name is None else await store.levers.project_id(name)
    return Scope(queue=Queue.RUNS, tier=settings.only_tier, project_id=project_id)


def _step_options(settings: Settings) -> RunnerOptions:
    return RunnerOptions(
        worker=settings.worker_name,
        slots=settings.queue.steps_in_flight,
        lease=settings.lease,
    )


def _run_options(settings: Settings, load: WorkerLoad) -> RunnerOptions:
    return RunnerOptions(
        worker=settings.worker_name,
        slots=load.runs,
        lease=settings.lease,
    )
