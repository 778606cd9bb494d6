"""The orchestrator's two processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypeVar

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
from orchestrator.opening import patiently
from orchestrator.process import mark_ready, run_until_signal, unless_stopped
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

T = TypeVar("T")


def run_orchestrator(settings: Settings) -> None:
    """Relay, reconcile and work on every step but inference, until SIGINT or SIGTERM. Postgres and NATS are
    waited for. Raises ConfigurationError if it cannot start.
    """
    run_until_signal(lambda stop: serve_orchestrator(settings, stop))


def run_worker(settings: Settings) -> None:
    """Work on runs until SIGINT or SIGTERM. Triton, Postgres and NATS are waited for.

    Raises ModelContractError if Triton serves other models than this version knows, NotFoundError for a
    project that there is not, ConfigurationError if Postgres or NATS refuses the worker.
    """
    run_until_signal(lambda stop: serve_worker(settings, stop))


async def serve_orchestrator(settings: Settings, stop: asyncio.Event) -> None:
    """`run_orchestrator` until `stop` is set. Brings the database to the current schema first."""
    objects, metrics = open_object_store(settings.store_url, settings.cache), Metrics()
    async with AsyncExitStack() as stack:
        opened = await unless_stopped(stop, _opened(settings, stack, _first_opened))
        if opened is None:
            return
        store, bus = opened
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
    url, interval_s = settings.triton_url, settings.lease.poll_interval_s
    opening = patiently(f"Triton at {url}", lambda: TritonClient.open(url), interval_s)
    triton = await unless_stopped(stop, opening)
    if triton is None:
        return
    async with triton:
        if await unless_stopped(stop, _checked(triton)) is None:
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
    async with AsyncExitStack() as stack:
        opened = await unless_stopped(stop, _opened(settings, stack, _scope_opened))
        if opened is None:
            return
        store, bus, scope = opened
        clusters = await stack.enter_async_context(Clusters(poses, partial(_cluster, settings, load)))
        standby = await stack.enter_async_context(
            Standby(clusters.ask, settings.lease.poll_interval_s, _shown(settings, metrics))
        )
        watch_pool(metrics.registry, store.figures.pool_use)
        steps = {TaskKind.INFER: InferStep(store, objects, clusters, metrics)}
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


async def _checked(triton: TritonClient) -> TritonClient:
    await triton.check_contract()
    await triton.canary()
    return triton


async def _opened(
    settings: Settings, stack: AsyncExitStack, opening: Callable[[Settings, AsyncExitStack], Awaitable[T]]
) -> T:
    """What `opening` gives once Postgres and NATS answer; `stack` closes it, and each failed try itself."""

    async def attempt() -> T:
        async with AsyncExitStack() as attempted:
            opened = await opening(settings, attempted)
            stack.push_async_exit(attempted.pop_all())
            return opened

    return await patiently("Postgres and NATS", attempt, settings.lease.poll_interval_s)


async def _first_opened(settings: Settings, stack: AsyncExitStack) -> tuple[Store, Bus]:
    """With the current schema and the stream."""
    await migrate(settings.database_url)
    store = await stack.enter_async_context(Store.open(settings.database_url))
    bus = await stack.enter_async_context(Bus.open(settings.nats_url, settings.bus))
    await bus.provision()
    return store, bus


async def _scope_opened(settings: Settings, stack: AsyncExitStack) -> tuple[Store, Bus, Scope]:
    """With the lanes that are worked on."""
    store = await stack.enter_async_context(Store.open(settings.database_url))
    bus = await stack.enter_async_context(Bus.open(settings.nats_url, settings.bus))
    name = settings.only_project
    project_id = None if name is None else await store.levers.project_id(name)
    return store, bus, Scope(queue=Queue.RUNS, tier=settings.only_tier, project_id=project_id)


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
