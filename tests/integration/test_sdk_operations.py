"""Every operation of the clients and the command line against the real API, made from their description."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import marey
import pytest
from marey.cli.derived import commands_of_objects
from marey.operations import Operations
from msgspec import UNSET

from tests.services.api import RunningApi, execute, finish_job, upload
from tests.services.callers import CALLERS, Caller, caller

OBJECTS = {noun: [name.replace("-", "_") for name in names] for noun, names in commands_of_objects().items()}
WRITTEN = [noun for noun, methods in OBJECTS.items() if any(name.startswith("update_") for name in methods)]
Described = dict[str, Any]
"""Part of an OpenAPI description."""
SAMPLES: dict[str, tuple[object, object]] = {
    "user_email": ("ada@example.org", "grace@example.org"),
    "project_cluster_url": ("triton-1:8001", "triton-2:8001"),
    "project_queue": ({"tier": "priority"}, {"tier": "standard", "partitions": 8}),
    "pipeline_endpoint": ("pose_2d", "pose_2d"),
    "pipeline_parameters_name": ("overlay", "overlay"),
    "pipeline_parameters_value": ("half", "off"),
}
"""Values of fields, before and after a change; others are texts, or ids."""
EXIT_NOT_FOUND, EXIT_FAILED = 5, 1


@dataclass
class Counted:
    """A caller that keeps the names of what was called."""

    inner: Caller
    used: set[str] = field(default_factory=set)

    def call(self, method: str, *arguments: object, **options: object) -> object:
        self.used.add(method)
        return self.inner.call(method, *arguments, **options)

    def one(self, method: str, *arguments: object, **options: object) -> dict[str, object]:
        """A result that is an object."""
        result = self.call(method, *arguments, **options)
        assert isinstance(result, dict), result
        return result

    def many(self, method: str, *arguments: object, **options: object) -> list[object]:
        """A result that is a list."""
        result = self.call(method, *arguments, **options)
        assert isinstance(result, list), result
        return result


@pytest.fixture(params=CALLERS)
def client(api: RunningApi, request: pytest.FixtureRequest) -> Iterator[Counted]:
    """Each way to call."""
    with caller(request.param, api.url, api.api_key) as inner:
        yield Counted(inner)


def fields_of(method: str) -> list[str]:
    """What a method takes by name."""
    signature = inspect.signature(getattr(marey.Client, method))
    return [known.name for known in signature.parameters.values() if known.kind is known.KEYWORD_ONLY]


def sample(name: str, version: int) -> object:
    """A value for a field."""
    if name in SAMPLES:
        return SAMPLES[name][version]
    return 1 if name.endswith("_id") else f"{name} {version}"


def test_every_object_is_made_read_listed_changed_and_removed(client: Counted) -> None:
    for noun in WRITTEN:
        list_, get, create, update, delete = OBJECTS[noun]
        values = {name: sample(name, 0) for name in fields_of(create)}
        made = client.one(create, **values)
        number = made["id"]
        assert made == {"id": number, **values}
        assert client.one(get, number) == made
        parents = {name: made[name] for name in fields_of(list_) if name.endswith("_id")}
        assert made in client.many(list_, **parents, sort="-id")
        changed = dict(made)
        for name in fields_of(update):
            changed[name] = sample(name, 1)
            assert client.one(update, number, **{name: changed[name]}) == changed
        assert client.one(get, number) == changed
        client.call(delete, number)
        assert client.inner.refused(get, number) == EXIT_NOT_FOUND
    assert client.used == {method for noun in WRITTEN for method in OBJECTS[noun]}


def test_what_the_service_makes_is_read(api: RunningApi, client: Counted) -> None:
    job = client.one("create_job", upload(api), idempotency_key="once")
    video_id = finish_job(api, int(str(job["id"])))
    statement = (
        "INSERT INTO frame_batch (video_id, run_id, start_frame, stop_frame)"
        " SELECT $1, min(id), 0, 32 FROM task RETURNING id"
    )
    batch_id = execute(api, statement, video_id)
    assert [job | {"status": "completed", "videos_total": 1, "videos_done": 1}] == client.many("list_jobs")
    (video,) = client.many("list_videos", job_id=job["id"])
    assert client.one("get_video", video_id) == video
    (batch,) = client.many("list_frame_batches", video_id=video_id)
    assert client.one("get_frame_batch", batch_id) == batch
    assert client.one("get_job", job["id"])["status"] == "completed"
    assert client.one("get_upload_handler")["max_bytes"] == 300_000
    (path, *_) = client.many("results", job["id"])
    assert isinstance(path, dict)
    assert path["path"] == f"videos/{video_id}/keypoints.csv"
    assert client.inner.refused("redrive", job["id"]) == EXIT_FAILED
    other = client.one("create_job", upload(api))
    assert client.one("cancel", other["id"])["status"] == "cancelled"


def test_keys_are_made_listed_and_revoked(api: RunningApi, client: Counted) -> None:
    issued = client.one("create_api_key", user_id=1, api_key_name="laptop")
    with marey.Client(api.url, str(issued["api_key"])) as member:
        assert list(member.list_jobs()) == []
        with pytest.raises(marey.errors.ForbiddenError):
            member.create_project(project_name="gym")
        known = client.many("list_api_keys", user_id=1, sort="-id")[0]
        assert isinstance(known, dict)
        assert (known["api_key_name"], known["revoked_at"]) == ("laptop", None)
        assert client.one("get_api_key", issued["id"]) == known
        client.call("delete_api_key", issued["id"])
        with pytest.raises(marey.errors.UnauthenticatedError):
            list(member.list_jobs())


def test_changes_do_not_overwrite_what_was_not_seen(api: RunningApi) -> None:
    project = api.client.create_project(project_name="gym")
    renamed = api.client.update_project(project, project_name="gymnastics")
    with pytest.raises(marey.errors.PreconditionFailedError):
        api.client.update_project(project, project_name="late")
    assert api.client.get_project(project.id) == renamed
    (listed,) = (known for known in api.client.list_projects() if known.id == project.id)
    assert api.client.update_project(listed, project_queue={"tier": "priority"}).project_name == "gymnastics"
    cleared = api.client.update_project(project.id, project_cluster_url=None)
    assert (cleared.project_cluster_url, cleared.project_queue) == (None, {"tier": "priority"})


def test_lists_go_through_all_pages(api: RunningApi) -> None:
    names = ["default", *(api.client.create_project(project_name=f"p{n}").project_name for n in range(5))]
    assert [project.project_name for project in api.client.list_projects(page_size=2)] == names


def test_operations_are_those_of_the_api(api: RunningApi) -> None:
    described = api.http.get("/docs/openapi.json").json()
    told = {method: taken(operation, described) for method, operation in operations_of(described)}
    assert told == {method: expected(method) for method in told}
    assert set(told) >= {method for methods in OBJECTS.values() for method in methods}


def test_objects_have_the_fields_of_the_api(api: RunningApi) -> None:
    described = api.http.get("/docs/openapi.json").json()
    for method, operation in operations_of(described):
        if method.startswith(("get_", "create_")):
            (answer,) = (
                operation["responses"][status]
                for status in ("200", "201")
                if status in operation["responses"]
            )
            properties = schema_of(answer, described)["properties"]
            item = get_type_hints(getattr(Operations, method))["return"]
            assert set(properties) == set(item.__struct_fields__), method


NOT_FOR_CLIENTS = ("/health", "/metrics", "/download", "/upload", "/docs")
OF_JOBS = {"events": "events", "cancel": "cancel", "redrive": "redrive", "results": "results"}


def method_of(path: str, verb: str) -> str | None:
    """The client's method for a route."""
    if path.startswith(NOT_FOR_CLIENTS) or (path.endswith("/video") and path != "/video"):
        return None
    noun, *rest = path.strip("/").split("/")
    if path == "/job/upload_handler":
        return "get_upload_handler"
    if len(rest) == 2:
        return OF_JOBS[rest[1]]
    if not rest:
        return OBJECTS[noun][0] if verb == "get" else f"create_{noun}"
    return {"get": "get", "put": "update", "delete": "delete"}[verb] + f"_{noun}"


def operations_of(described: Described) -> Iterator[tuple[str, Described]]:
    """The operations of a description, by method of the client."""
    for path, operations in described["paths"].items():
        for verb, operation in operations.items():
            if method := method_of(path, verb):
                yield method, operation


def taken(operation: Described, described: Described) -> set[str]:
    """Names that a route takes in its query and body; `!` after those that it needs."""
    queries = [known["name"] for known in operation.get("parameters", []) if known["in"] == "query"]
    schema = schema_of(operation["requestBody"], described) if "requestBody" in operation else {}
    required = schema.get("required", [])
    fields = {f"{name}!" if name in required else name for name in schema.get("properties", {})}
    return fields | set(queries) - {"limit", "cursor"}


def schema_of(body: Described, described: Described) -> Described:
    """The schema of a JSON body."""
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema: Described = described["components"]["schemas"][name]
    return schema


def expected(method: str) -> set[str]:
    """Names that a client's method takes, the same way."""
    if method == "create_job":
        return {"job_parameters!", "pipeline", "user_id", "project_id", "pipeline_parameter_set_id"}
    signature = inspect.signature(getattr(marey.Client, method))
    names = {name: signature.parameters[name].default for name in fields_of(method) if name != "page_size"}
    needing = signature
    if method.startswith("update_"):
        # A PUT needs what a POST needs: the client takes what is not given from what is there.
        assert set(names.values()) == {UNSET}
        needing = inspect.signature(getattr(marey.Client, method.replace("update_", "create_")))
    needed = {name for name in names if needing.parameters[name].default is inspect.Parameter.empty}
    return {f"{name}!" if name in needed else name for name in names}
