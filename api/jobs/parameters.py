"""Refusals of what a job comes with that say what was expected and what came."""

import re
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from core.errors import InvalidParameterError
from orchestrator.parameters import JobParameters
from orchestrator.refusals import WORDS, refusal_of, shown

MAX_KEY_LENGTH = 200
KEY_PATTERN = r"^[\x21-\x7e]+\Z"
"""Of idempotency keys: visible ASCII characters."""


class JobInput(JobParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `job_parameters` may have: the package, and what differs from the defaults."""

    input: Annotated[str, Meta(extra={WORDS: "the input_key of a finished upload"})]


def check_idempotency_key(key: str) -> None:
    """Raise InvalidParameterError for a key that could not be sent as a header."""
    if len(key) > MAX_KEY_LENGTH or not re.fullmatch(KEY_PATTERN, key):
        raise InvalidParameterError(
            f"idempotency_key: expected 1 to {MAX_KEY_LENGTH} visible ASCII characters, got {shown(key)}"
        )


def split_input(job_parameters: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """The input, and the parameters that were set. Raises InvalidParameterError for the first wrong one."""
    if refusal := refusal_of(job_parameters, JobInput, "job_parameters"):
        raise InvalidParameterError(refusal)
    parameters = dict(job_parameters)
    return str(parameters.pop("input")), parameters


def check_parameters(requested: Mapping[str, object]) -> None:
    """Raise InvalidParameterError for the first unknown name or wrong value."""
    if refusal := refusal_of(requested, JobParameters, "parameters"):
        raise InvalidParameterError(refusal)
