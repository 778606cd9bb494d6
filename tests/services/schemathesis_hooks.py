"""What schemathesis checks of each answer beside its own checks; it is loaded by `SCHEMATHESIS_HOOKS`."""

import os
import re

import schemathesis
from schemathesis.generation import GenerationMode

MARKER = "belongs-to-another-tenant"


@schemathesis.check
def no_crossing(_: schemathesis.CheckContext, response: schemathesis.Response, __: schemathesis.Case) -> None:
    """Nothing of another tenant is in an answer."""
    if os.environ.get("MAREY_ONE_TENANT_ONLY"):
        assert MARKER not in response.text


@schemathesis.check
def valid_requests_are_understood(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """What the description allows is refused for what it means, never for its form.

    But for 1.0, which JSON Schema calls an integer.
    """
    is_valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
    if is_valid and response.status_code == 400:
        problem = response.json()
        is_whole = re.search(r": expected integer .*, got -?\d+\.0$", problem["detail"])
        assert problem["code"] == "invalid_parameter" or is_whole, response.text
