"""Refusals of what a job comes with that say what was expected and what came."""

import re
from collections.abc import Mapping

from core.errors import InvalidParameterError
from orchestrator.parameters import JobParameters
from orchestrator.refusals import refusal_of, shown

MAX_KEY_LENGTH = 200
KEY_PATTERN = r"^[\x21-\x7e]+\Z"
"""Of idempotency keys: visible ASCII characters."""


def check_idempotency_key(key: str) -> None:
    """Raise InvalidParameterError for a key that could not be sent as a header."""
    if len(key) > MAX_KEY_LENGTH or not re.fullmatch(KEY_PATTERN, key):
        raise InvalidParameterError(
            f"idempotency_key: expected 1 to {MAX_KEY_LENGTH} visible ASCII characters, got {shown(key)}"
        )


def check_parameters(requested: Mapping[str, object]) -> None:
    """Raise InvalidParameterError for the first unknown name or wrong value."""
    if refusal := refusal_of(requested, JobParameters, "parameters"):
        raise InvalidParameterError(refusal)
