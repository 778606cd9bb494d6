"""Whose job it becomes that somebody starts."""

from dataclasses import dataclass, replace

from core.errors import ForbiddenError, InvalidParameterError, NotFoundError
from orchestrator.store.tenants import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOwner:
    """What whoever asks sees of the user and project that he names."""

    project_of_user: int | None
    """None: no such user is there for him."""
    project_id: int | None
    """None: none was named, or no such project is there for him."""


def owner_of(tenant: Tenant, user_id: int, project_id: int | None, found: FoundOwner) -> Tenant:
    """The tenant that the job becomes one of.

    Raises NotFoundError for what `tenant` does not see, ForbiddenError for a member who names somebody else,
    InvalidParameterError for a project that is not the user's: he would not see his job.
    """
    if found.project_of_user is None:
        raise NotFoundError(f"there is no user {user_id}")
    if project_id is not None and found.project_id is None:
        raise NotFoundError(f"there is no project {project_id}")
    if user_id != tenant.user_id and not tenant.is_admin:
        raise ForbiddenError(
            f"user_id: expected {tenant.user_id}, your own, or an administrator's key, got {user_id}"
        )
    if project_id is not None and project_id != found.project_of_user:
        raise InvalidParameterError(
            f"project_id: expected {found.project_of_user}, the project of user {user_id}, got {project_id}"
        )
    return replace(tenant, project_id=found.project_of_user, user_id=user_id)
