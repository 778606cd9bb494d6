"""Where a request carries who asks."""

from litestar.types import Scope

from orchestrator.store import Tenant

_STATE_KEY = "tenant"


def remember_tenant(scope: Scope, tenant: Tenant) -> None:
    """Note who asks."""
    state: dict[str, object] = scope["state"]
    state[_STATE_KEY] = tenant


def known_tenant(scope: Scope) -> Tenant | None:
    """Who asks; None on a route that needs no key."""
    tenant = scope["state"].get(_STATE_KEY)
    return tenant if isinstance(tenant, Tenant) else None


def tenant_of(scope: Scope) -> Tenant:
    """Who asks, on a route that needs a key."""
    tenant = known_tenant(scope)
    assert tenant is not None
    return tenant
