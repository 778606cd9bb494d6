"""/api_key: list, make and revoke keys."""

from litestar import Response, delete, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import Scope

from api.accounts.roles import ADMIN
from api.accounts.schemas import ApiKeyCreate, ApiKeyIssued
from api.accounts.tenants import tenant_of
from api.catalogue.controller import ObjectId, read_handlers, resource_router
from api.dependencies import services_of
from orchestrator.store.resources import API_KEYS


@post("/", opt=ADMIN)
async def issue_key(data: JSONBody[ApiKeyCreate], scope: Scope) -> Response[ApiKeyIssued]:
    """Make a key; administrators only. Its text is in the answer and nowhere else."""
    key, text = await services_of(scope).accounts.issue(tenant_of(scope), data)
    body = ApiKeyIssued(
        id=key.id,
        user_id=key.user_id,
        api_key_name=key.api_key_name,
        role=key.role,
        created_at=key.created_at,
        api_key=text,
    )
    return Response(body, headers={"Location": f"/api_key/{key.id}", "Cache-Control": "no-store"})


@delete("/{object_id:int}", opt=ADMIN, status_code=HTTP_204_NO_CONTENT)
async def revoke_key(object_id: ObjectId, scope: Scope) -> None:
    """Revoke a key, within 10 s everywhere; administrators only. It stays in the list."""
    await services_of(scope).accounts.revoke(tenant_of(scope), object_id)


api_key_router = resource_router(API_KEYS, [*read_handlers(API_KEYS), issue_key, revoke_key])
