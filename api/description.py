"""What the OpenAPI description says beyond the handlers' types: lists and problems."""

from typing import Any

import msgspec
from litestar.openapi.spec import (
    Components,
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)

from api.catalogue.bodies import MAX_ID
from api.catalogue.lists import DEFAULT_LIMIT, MAX_LIMIT
from api.errors import PROBLEM_JSON
from api.jobs.parameters import JobInput
from orchestrator.store.resources import RESOURCES, Resource

_PROBLEM = "Problem"


def complete(description: OpenAPI) -> None:
    """Add the parameters of the lists, the one shape that every refusal has, and that bodies are closed."""
    components = description.components
    assert isinstance(components, Components)
    components.schemas[_PROBLEM] = _problem()
    for path, item in (description.paths or {}).items():
        for operation in (item.get, item.post, item.put, item.delete):
            if operation is not None:
                _refuse_with_problems(operation, path)
                _close_bodies(components, operation)
    _job_parameters(components.schemas["JobCreate"])
    for resource in RESOURCES:
        listing = (description.paths or {})[f"/{resource.table}"].get
        assert listing is not None
        listing.parameters = list_parameters(resource)


def list_parameters(resource: Resource[object]) -> list[Parameter | Reference]:
    """Query parameters of a list."""
    sorts = [sign + name for name in resource.sorts for sign in ("", "-")]
    number = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_ID)
    limit = Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT)
    return [
        _query("limit", limit, "At most so many."),
        _query("cursor", Schema(type=OpenAPIType.STRING), "The `next_cursor` of the page before."),
        _query("sort", Schema(enum=sorts, default=resource.default_sort), "`-` reverses."),
        *(_query(parent, number, "Only what belongs to it.") for parent in resource.parents),
    ]


def _job_parameters(body: Schema) -> None:
    """The parameters are checked apart, because those that are not given must be told from the defaults."""
    described = msgspec.json.schema_components([JobInput])[1]["JobInput"]
    properties: dict[str, Schema | Reference] = {
        name: _schema(given) for name, given in described["properties"].items()
    }
    assert body.properties is not None
    body.properties["job_parameters"] = Schema(
        type=OpenAPIType.OBJECT,
        properties=properties,
        required=described["required"],
        additional_properties=False,
    )


def _schema(given: dict[str, Any]) -> Schema:
    """Of a parameter, from msgspec's."""
    return Schema(
        type=OpenAPIType(given["type"]) if "type" in given else None,
        any_of=[_schema(part) for part in given["anyOf"]] if "anyOf" in given else None,
        enum=given.get("enum"),
        minimum=given.get("minimum"),
        maximum=given.get("maximum"),
    )


def _close_bodies(components: Components, operation: Operation) -> None:
    """Unknown fields of a request's body are refused."""
    if isinstance(operation.request_body, RequestBody):
        for media in operation.request_body.content.values():
            _close(components, media.schema)


def _close(components: Components, schema: Schema | Reference | None) -> None:
    if not isinstance(schema, Reference):
        return
    found = components.schemas[schema.ref.rpartition("/")[2]]
    if found.properties is not None:
        found.additional_properties = False
        for part in found.properties.values():
            _close(components, part)


def _query(name: str, schema: Schema, description: str) -> Parameter:
    return Parameter(name=name, param_in="query", schema=schema, description=description)


def _refuse_with_problems(operation: Operation, path: str) -> None:
    responses = operation.responses or {}
    responses.pop("400", None)
    content = {PROBLEM_JSON: OpenAPIMediaType(schema=Reference(ref=f"#/components/schemas/{_PROBLEM}"))}
    responses["default"] = OpenAPIResponse(description="A problem, RFC 9457", content=content)
    if "/{object_id}" in path and operation.responses and operation.operation_id:
        _tell_precondition(operation)
    operation.responses = responses


def _tell_precondition(operation: Operation) -> None:
    """PUT needs If-Match, DELETE takes it."""
    if operation.operation_id.endswith(("ReplaceObject", "DeleteObject")):  # type: ignore[union-attr]
        needed = operation.operation_id.endswith("ReplaceObject")  # type: ignore[union-attr]
        tag = Parameter(
            name="If-Match",
            param_in="header",
            schema=Schema(type=OpenAPIType.STRING),
            required=needed,
            description="The ETag of the object as it was read.",
        )
        operation.parameters = [*(operation.parameters or []), tag]


def _problem() -> Schema:
    text = Schema(type=OpenAPIType.STRING)
    names = ("type", "title", "detail", "code", "request_id")
    properties: dict[str, Schema | Reference] = dict.fromkeys(names, text)
    properties["status"] = Schema(type=OpenAPIType.INTEGER)
    return Schema(type=OpenAPIType.OBJECT, properties=properties, required=[*names, "status"])
