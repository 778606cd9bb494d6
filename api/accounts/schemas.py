"""Bodies of API keys."""

from datetime import datetime
from typing import Literal

import msgspec

from api.catalogue.bodies import Id, Text


class ApiKeyCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make for a user."""

    user_id: Id
    role: Literal["admin", "member"] = "member"
    api_key_name: Text = "key"


class ApiKeyIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A new key, the only time that it is shown."""

    id: int
    user_id: int
    api_key_name: str
    role: str
    created_at: datetime
    api_key: str
