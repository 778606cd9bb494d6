"""The objects that the API lists, reads and writes in one way, and their SQL.

Names of tables and columns come from here alone; every value is an argument.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar, get_type_hints

from core.jobs import BatchStatus, VideoStatus
from orchestrator.store.views import JobView

RowT_co = TypeVar("RowT_co", covariant=True)
DIRECTIONS = {"asc": ">", "desc": "<"}
"""Orders of a list, with the operator that continues it."""

_ADMINISTERED = "$2 OR {}"
_OF_PROJECT = "t.project_id = $1"
_GROUPS = "SELECT {} FROM user_group g WHERE g.project_id = $1"
_USERS = 'SELECT u.id FROM "user" u JOIN user_group g ON g.id = u.group_id WHERE g.project_id = $1'


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[RowT_co]):
    """A table as its users see it."""

    table: str
    row: type[RowT_co]
    """A dataclass; its fields are the columns that are read. The first is `id`."""
    visible: str
    """Condition on row `t` for tenant $1, who is an administrator if $2."""
    writes: tuple[str, ...] = ()
    """Columns that are written, all at once; none: the service alone writes here."""
    parents: tuple[str, ...] = ()
    """Columns by which a list may be narrowed."""
    sorts: tuple[str, ...] = ("id",)
    """Columns by which a list may be ordered, of type text but for `id`."""
    default_sort: str = "id"
    """`-` reverses."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """SQL of the fields that are not read as they are stored."""
    stores: Mapping[str, str] = field(default_factory=dict)
    """SQL of the columns that are not stored as they come, with `{}` for what comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Someone who works with the installation."""

    id: int
    user_name: str
    user_email: str
    group_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """Users of one project, with one set of default parameters."""

    id: int
    project_id: int
    pipeline_parameter_set_id: int
    user_group_name: str
    user_group_description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A tenant: its jobs and their results are seen by nobody else."""

    id: int
    project_name: str
    project_cluster_url: str | None
    """The Triton that it runs on; None: the installation's own."""
    project_queue: dict[str, object]
    """Its tier and levers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What can be computed."""

    id: int
    pipeline_name: str
    pipeline_description: str
    pipeline_endpoint: str
    """The Triton ensemble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineParameterSet:
    """A named collection of parameters."""

    id: int
    pipeline_parameter_set_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineParameters:
    """One parameter of a pipeline within a set."""

    id: int
    pipeline_id: int
    pipeline_parameter_set_id: int
    pipeline_parameters_name: str
    pipeline_parameters_value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRow:
    """A video of a job."""

    id: int
    job_id: int
    video_name: str
    video_path: str | None
    """None for an entry of the package that was refused."""
    video_results_path: str
    progress: float
    """Percent of the frames that are done."""
    status: VideoStatus
    error_code: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameBatchRow:
    """Consecutive frames of a video whose poses are committed together."""

    id: int
    video_id: int
    start: int
    end: int
    """Excluded."""
    input_path: str | None
    results_path: str | None
    status: BatchStatus
    attempts: int
    """Of the run that the batch belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret."""

    id: int
    key_id: str
    user_id: int
    api_key_name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None


USERS = Resource(
    table="user",
    row=User,
    visible=_ADMINISTERED.format(f"t.group_id IN ({_GROUPS.format('g.id')})"),
    writes=("user_name", "user_email", "group_id"),
    parents=("group_id",),
    sorts=("id", "user_name", "user_email"),
)
USER_GROUPS = Resource(
    table="user_group",
    row=UserGroup,
    visible=_ADMINISTERED.format(_OF_PROJECT),
    writes=("project_id", "pipeline_parameter_set_id", "user_group_name", "user_group_description"),
    parents=("project_id", "pipeline_parameter_set_id"),
    sorts=("id", "user_group_name"),
)
PROJECTS = Resource(
    table="project",
    row=Project,
    visible=_ADMINISTERED.format("t.id = $1"),
    writes=("project_name", "project_cluster_url", "project_queue", "project_levers"),
    sorts=("id", "project_name"),
    reads={"project_queue": "jsonb_build_object('tier', t.project_queue) || t.project_levers"},
)
PIPELINES = Resource(
    table="pipeline",
    row=Pipeline,
    visible="true",
    writes=("pipeline_name", "pipeline_description", "pipeline_endpoint"),
    sorts=("id", "pipeline_name"),
)
PIPELINE_PARAMETER_SETS = Resource(
    table="pipeline_parameter_set",
    row=PipelineParameterSet,
    visible=_ADMINISTERED.format(f"t.id IN ({_GROUPS.format('g.pipeline_parameter_set_id')})"),
    writes=("pipeline_parameter_set_name",),
    sorts=("id", "pipeline_parameter_set_name"),
)
PIPELINE_PARAMETERS = Resource(
    table="pipeline_parameters",
    row=PipelineParameters,
    visible=_ADMINISTERED.format(
        f"t.pipeline_parameter_set_id IN ({_GROUPS.format('g.pipeline_parameter_set_id')})"
    ),
    writes=(
        "pipeline_id", "pipeline_parameter_set_id", "pipeline_parameters_name", "pipeline_parameters_value",
    ),
    parents=("pipeline_id", "pipeline_parameter_set_id"),
    sorts=("id", "pipeline_parameters_name"),
    # The driver sends None as SQL's NULL.
    stores={"pipeline_parameters_value": "coalesce({}, 'null'::jsonb)"},
)  # fmt: skip
JOBS = Resource(
    table="job",
    row=JobView,
    visible=_OF_PROJECT,
    parents=("user_id", "pipeline_id", "pipeline_parameter_set_id"),
    default_sort="-id",
    reads={
        "pipeline_name": "(SELECT l.pipeline_name FROM pipeline l WHERE l.id = t.pipeline_id)",
        "parameters": "t.job_parameters",
    },
)
VIDEOS = Resource(
    table="video",
    row=VideoRow,
    visible=_OF_PROJECT,
    parents=("job_id",),
    sorts=("id", "video_name"),
    reads={
        "progress": "CASE WHEN t.status IN ('completed', 'failed', 'cancelled') THEN 100.0"
        " WHEN t.frames_total > 0 THEN 100.0 * t.frames_done / t.frames_total ELSE 0.0 END::float8"
    },
)
FRAME_BATCHES = Resource(
    table="frame_batch",
    row=FrameBatchRow,
    visible=_OF_PROJECT,
    parents=("video_id",),
    reads={
        "start": "t.start_frame",
        "end": "t.stop_frame",
        "input_path": "(SELECT v.video_path FROM video v WHERE v.id = t.video_id)",
        "attempts": "(SELECT r.attempts FROM task r WHERE r.id = t.run_id)",
    },
)
API_KEYS = Resource(
    table="api_key",
    row=ApiKey,
    visible=_ADMINISTERED.format(f"t.user_id IN ({_USERS})"),
    writes=("user_id", "api_key_name", "role", "key_id", "digest"),
    parents=("user_id",),
    sorts=("id", "api_key_name"),
)
RESOURCES: tuple[Resource[object], ...] = (
    USERS, USER_GROUPS, PROJECTS, PIPELINES, PIPELINE_PARAMETER_SETS, PIPELINE_PARAMETERS, JOBS, VIDEOS,
    FRAME_BATCHES, API_KEYS,
)  # fmt: skip


def resource_statements(resource: Resource[object]) -> Iterator[tuple[str, str]]:
    """Names and SQL of everything that is done with a resource. $1 tenant, $2 whether an administrator."""
    table, shown = f'"{resource.table}" AS t', _shown(resource)
    scope = f"($1::bigint, $2::boolean) IS NOT NULL AND ({resource.visible})"
    read = f"SELECT {shown} FROM {table} WHERE {scope} AND t.id = $3"
    yield f"{resource.table}.read", read
    for sort in resource.sorts:
        for direction in DIRECTIONS:
            yield f"{resource.table}.list.{sort}.{direction}", _list(resource, sort, direction, scope)
    if resource.writes:
        columns = ", ".join(resource.writes)
        changes = ", ".join(f"{name} = {value}" for name, value in _stored(resource, first=4))
        values = ", ".join(value for _, value in _stored(resource, first=1))
        yield f"{resource.table}.lock", f"{read} FOR UPDATE OF t"
        insert = f"INSERT INTO {table} ({columns}) VALUES ({values}) RETURNING {shown}"
        yield f"{resource.table}.insert", insert
        update = f"UPDATE {table} SET {changes} WHERE {scope} AND t.id = $3 RETURNING {shown}"
        yield f"{resource.table}.update", update
        yield f"{resource.table}.delete", f"DELETE FROM {table} WHERE {scope} AND t.id = $3"


def _stored(resource: Resource[object], first: int) -> list[tuple[str, str]]:
    """Columns and what is stored there, with arguments from $`first` on."""
    return [
        (name, resource.stores.get(name, "{}").format(f"${index}"))
        for index, name in enumerate(resource.writes, start=first)
    ]


def _shown(resource: Resource[object]) -> str:
    names = get_type_hints(resource.row)
    return ", ".join(f'{resource.reads.get(name, f"t.{name}")} AS "{name}"' for name in names)


def _list(resource: Resource[object], sort: str, direction: str, scope: str) -> str:
    """$3 limit, $4 value and $5 id of the last row before, then the parents; null narrows nothing."""
    kind = "bigint" if sort == "id" else "text"
    after = f"($5::bigint IS NULL OR (t.{sort}, t.id) {DIRECTIONS[direction]} ($4::{kind}, $5::bigint))"
    narrowed = "".join(
        f" AND (${index}::bigint IS NULL OR t.{parent} = ${index}::bigint)"
        for index, parent in enumerate(resource.parents, start=6)
    )
    return (
        f'SELECT {_shown(resource)} FROM "{resource.table}" AS t WHERE {scope} AND {after}{narrowed}'
        f" ORDER BY t.{sort} {direction}, t.id {direction} LIMIT $3"
    )
