"""Refusals of what a job comes with that say what was expected and what came."""

import re
from collections.abc import Mapping

import msgspec

from core.errors import InvalidParameterError
from orchestrator.parameters import JobParameters

MAX_KEY_LENGTH = 200
KEY_PATTERN = r"^[\x21-\x7e]+\Z"
"""Of idempotency keys: visible ASCII characters."""


def check_idempotency_key(key: str) -> None:
    """Raise InvalidParameterError for a key that could not be sent as a header."""
    if len(key) > MAX_KEY_LENGTH or not re.fullmatch(KEY_PATTERN, key):
        raise InvalidParameterError(
            f"idempotency_key: expected 1 to {MAX_KEY_LENGTH} visible ASCII characters, got {key[:80]!r}"
        )


def check_parameters(requested: Mapping[str, object]) -> None:
    """Raise InvalidParameterError for the first unknown name or wrong value."""
    fields = {field.name: field for field in msgspec.structs.fields(JobParameters)}
    for name, value in requested.items():
        if name not in fields:
            raise InvalidParameterError(
                f"parameters: expected names among {', '.join(sorted(fields))}, got {name[:80]!r}"
            )
        try:
            msgspec.convert(value, fields[name].type)
        except msgspec.ValidationError as error:
            got = repr(value)[:80]
            raise InvalidParameterError(
                f"parameters.{name}: expected {expected(fields[name].type)}, got {got}"
            ) from error


def expected(kind: object) -> str:
    """A type in words: `one of full, half, off`, `integer from 1 to 64`."""
    schema = msgspec.json.schema(kind)
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    words = str(schema.get("type", "another value"))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{words} from {low:g} to {high:g}"
    return words
