"""Whose job it becomes."""

import pytest

from core.errors import ForbiddenError, InvalidParameterError, MareyError, NotFoundError
from orchestrator.store import Tenant
from orchestrator.store.owners import FoundOwner, owner_of

MEMBER = Tenant(project_id=1, user_id=2, is_admin=False)
ADMIN = Tenant(project_id=1, user_id=1, is_admin=True)


def found(project_of_user: int | None, project_id: int | None = None) -> FoundOwner:
    return FoundOwner(project_of_user=project_of_user, project_id=project_id)


def test_an_administrator_acts_for_others() -> None:
    owner = Tenant(project_id=5, user_id=7, is_admin=True)
    assert owner_of(ADMIN, 7, None, found(5)) == owner
    assert owner_of(ADMIN, 7, 5, found(5, 5)) == owner


def test_a_member_is_himself() -> None:
    assert owner_of(MEMBER, 2, 1, found(1, 1)) == MEMBER


@pytest.mark.parametrize(
    ("tenant", "user_id", "project_id", "seen", "error"),
    [
        (ADMIN, 9, None, found(None), NotFoundError),
        (ADMIN, 1, 9, found(1, None), NotFoundError),
        (ADMIN, 1, 5, found(1, 5), InvalidParameterError),
        (MEMBER, 7, None, found(None), NotFoundError),
        (MEMBER, 2, 5, found(1, None), NotFoundError),
        (MEMBER, 3, None, found(1), ForbiddenError),
        (MEMBER, 3, 5, found(1, None), NotFoundError),
    ],
)
def test_others_are_refused(
    tenant: Tenant, user_id: int, project_id: int | None, seen: FoundOwner, error: type[MareyError]
) -> None:
    with pytest.raises(error):
        owner_of(tenant, user_id, project_id, seen)
