"""The routes of resources, made from their descriptions."""

from collections.abc import Callable
from types import GenericAlias
from typing import Annotated, Any, TypeVar

from litestar import Request, Response, Router, delete, get, post, put
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, PathParameter
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import Scope

from api.accounts.roles import ADMIN
from api.accounts.tenants import tenant_of
from api.catalogue.bodies import (
    MAX_ID,
    Body,
    PipelineBody,
    PipelineParametersBody,
    PipelineParameterSetBody,
    ProjectBody,
    UserBody,
    UserGroupBody,
)
from api.catalogue.etags import etag_of, require_match
from api.catalogue.lists import Page, next_cursor, window_of
from api.dependencies import services_of
from orchestrator.store import resources
from orchestrator.store.resources import Resource

ObjectId = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="Id of an object")]
Out = TypeVar("Out")
JSON = BodyKwarg(media_type=RequestEncodingType.JSON)
Handler = Callable[..., Any]
AnyRequest = Request[Any, Any, Any]


def read_handlers(resource: Resource[Out]) -> list[HTTPRouteHandler]:
    """GET of the list and of one object."""
    return [_list_handler(resource), _read_handler(resource)]


def write_handlers(resource: Resource[Out], body: type[Body]) -> list[HTTPRouteHandler]:
    """POST, PUT and DELETE, for administrators."""
    return [_create_handler(resource, body), _replace_handler(resource, body), _delete_handler(resource)]


def _list_handler(resource: Resource[Out]) -> HTTPRouteHandler:
    async def list_objects(request: AnyRequest, scope: Scope) -> Page[Out]:
        window = window_of(resource, request.query_params.dict())
        rows = await services_of(scope).catalogue.rows(tenant_of(scope), resource, window)
        return Page(items=rows, next_cursor=next_cursor(window, rows))

    return get("/", summary=f"List {resource.table} objects")(
        _typed(list_objects, GenericAlias(Page, resource.row))
    )


def _read_handler(resource: Resource[Out]) -> HTTPRouteHandler:
    async def read_object(object_id: ObjectId, scope: Scope) -> Response[Out]:
        return _tagged(await services_of(scope).catalogue.read(tenant_of(scope), resource, object_id))

    return get("/{object_id:int}", summary=f"Read a {resource.table}")(
        _typed(read_object, GenericAlias(Response, resource.row))
    )


def _create_handler(resource: Resource[Out], body: type[Body]) -> HTTPRouteHandler:
    async def create_object(data: Body, scope: Scope) -> Response[Out]:
        services = services_of(scope)
        data.check(services.cluster_urls)
        row = await services.catalogue.create(tenant_of(scope), resource, data.values())
        return _tagged(row, location=f"/{resource.table}/{getattr(row, 'id')}")  # noqa: B009

    return post("/", opt=ADMIN, summary=f"Make a {resource.table}; administrators only")(
        _typed(create_object, GenericAlias(Response, resource.row), body)
    )


def _replace_handler(resource: Resource[Out], body: type[Body]) -> HTTPRouteHandler:
    async def replace_object(
        object_id: ObjectId,
        data: Body,
        request: AnyRequest,
        scope: Scope,
    ) -> Response[Out]:
        services = services_of(scope)
        data.check(services.cluster_urls)
        if_match = request.headers.get("if-match")
        values = data.values()
        return _tagged(
            await services.catalogue.replace(
                tenant_of(scope), resource, object_id, values, lambda row: require_match(row, if_match)
            )
        )

    return put("/{object_id:int}", opt=ADMIN, summary=f"Replace a {resource.table}; administrators only")(
        _typed(replace_object, GenericAlias(Response, resource.row), body)
    )


def _delete_handler(resource: Resource[Out]) -> HTTPRouteHandler:
    async def delete_object(object_id: ObjectId, request: AnyRequest, scope: Scope) -> None:
        if_match = request.headers.get("if-match", "*")
        await services_of(scope).catalogue.delete(
            tenant_of(scope), resource, object_id, lambda row: require_match(row, if_match)
        )

    return delete(
        "/{object_id:int}",
        opt=ADMIN,
        status_code=HTTP_204_NO_CONTENT,
        summary=f"Remove a {resource.table}; administrators only; 409 while something refers to it",
    )(delete_object)


def _tagged(row: Out, location: str | None = None) -> Response[Out]:
    headers = {"ETag": etag_of(row)} | ({"Location": location} if location else {})
    return Response(row, headers=headers)


def _typed(handler: Handler, returns: object, data: type[Body] | None = None) -> Handler:
    """The handler, annotated with the types of a resource: the framework reads them."""
    handler.__annotations__["return"] = returns
    if data is not None:
        handler.__annotations__["data"] = Annotated[data, JSON]
    return handler


def resource_router(resource: Resource[object], handlers: list[HTTPRouteHandler]) -> Router:
    """The routes of a resource."""
    return Router(f"/{resource.table}", route_handlers=handlers, tags=[resource.table])


def _written(resource: Resource[Out], body: type[Body]) -> Router:
    return resource_router(resource, read_handlers(resource) + write_handlers(resource, body))


catalogue_routers = [
    _written(resources.USERS, UserBody),
    _written(resources.USER_GROUPS, UserGroupBody),
    _written(resources.PROJECTS, ProjectBody),
    _written(resources.PIPELINES, PipelineBody),
    _written(resources.PIPELINE_PARAMETER_SETS, PipelineParameterSetBody),
    _written(resources.PIPELINE_PARAMETERS, PipelineParametersBody),
    resource_router(resources.VIDEOS, read_handlers(resources.VIDEOS)),
    resource_router(resources.FRAME_BATCHES, read_handlers(resources.FRAME_BATCHES)),
]
"""Videos and frame batches are made by the service alone, so they are only read."""
