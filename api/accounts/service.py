"""Who asks, and the keys they ask with."""

import hmac
import time

from api.accounts.keys import digest_of, key_id_of, new_key
from api.accounts.schemas import ApiKeyCreate
from core.errors import UnauthenticatedError
from orchestrator.store import Catalogue, KeyStore, Tenant
from orchestrator.store.resources import API_KEYS, ApiKey

_SCHEME = "bearer "
KEY_LIFETIME_S = 10.0
"""So long a process trusts a key that it has looked up. One that it revokes itself ends at once."""
_MOST_KEYS = 10_000


class Accounts:
    """Tells tenants by their keys; issues and revokes keys."""

    def __init__(self, keys: KeyStore, catalogue: Catalogue, secret: bytes) -> None:
        self._keys = keys
        self._catalogue = catalogue
        self._secret = secret
        self._known: dict[bytes, tuple[Tenant, float]] = {}
        """By a key's digest: who asks with it, and until when to trust that."""

    async def tenant(self, authorization: str | None) -> Tenant:
        """Who sends this header. Raises UnauthenticatedError; says the same whatever part is wrong.

        Keys that open nothing are looked up each time: a new one opens at once.
        """
        if authorization is None or not authorization.lower().startswith(_SCHEME):
            raise UnauthenticatedError
        text = authorization[len(_SCHEME) :].strip()
        digest = digest_of(text, self._secret)
        known = self._known.get(digest)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        tenant = await self._look_up(text, digest)
        if len(self._known) >= _MOST_KEYS:
            self._known.clear()
        self._known[digest] = tenant, time.monotonic() + KEY_LIFETIME_S
        return tenant

    async def issue(self, tenant: Tenant, request: ApiKeyCreate) -> tuple[ApiKey, str]:
        """A new key, whose text is not kept. Raises InvalidParameterError for an unknown user."""
        key = new_key()
        values = {
            "user_id": request.user_id,
            "api_key_name": request.api_key_name,
            "role": request.role,
            "key_id": key.key_id,
            "digest": digest_of(key.text, self._secret),
        }
        return await self._catalogue.create(tenant, API_KEYS, values), key.text

    async def revoke(self, tenant: Tenant, number: int) -> None:
        """The key opens nothing any more: here at once, in other processes within `KEY_LIFETIME_S`.

        Raises NotFoundError, LastAdministratorError.
        """
        await self._keys.revoke(tenant, number)
        self._known.clear()

    async def _look_up(self, text: str, digest: bytes) -> Tenant:
        owner = await self._keys.owner(key_id_of(text))
        if owner is None or not hmac.compare_digest(owner.digest, digest):
            raise UnauthenticatedError("expected a key that is known and not revoked, got another")
        is_admin = owner.role == "admin"
        return Tenant(project_id=owner.project_id, user_id=owner.user_id, is_admin=is_admin)
