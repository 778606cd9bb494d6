"""JSON bodies as the description says: strictly typed, and each name once."""

import json
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, ValidationException

from orchestrator.refusals import refusal_of, shown


class StrictRequest(Request[Any, Any, Any]):
    """The framework itself would take "5" and true for 5, and the last of several values of one name."""

    async def json(self) -> Any:
        """The body as the handler's type. Raises ClientException, ValidationException; RecursionError for
        deep nesting.
        """
        field = self.route_handler.parsed_data_field
        return decode_body(await self.body(), Any if field is None else field.annotation)


def decode_body(body: bytes, kind: Any) -> Any:
    """A JSON document as `kind`. Raises ClientException, ValidationException, RecursionError."""
    try:
        value = msgspec.json.decode(body or b"null", type=kind)
        json.loads(body or b"null", object_pairs_hook=_refuse_twins)
    except msgspec.ValidationError as error:
        raise ValidationException(_told(body, kind) or str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClientException(f"expected a JSON body, got another text: {error}") from error
    return value


def _told(body: bytes, kind: Any) -> str | None:
    """What was expected and what came. Raises ClientException if no JSON follows the wrong value."""
    try:
        return refusal_of(msgspec.json.decode(body or b"null"), kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClientException(f"expected a JSON body, got another text: {error}") from error


def _refuse_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValidationException(f"expected each name once in an object, got {shown(twin)} twice")
    return found
