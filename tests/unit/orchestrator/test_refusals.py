"""What is wrong with a value, in a sentence."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from orchestrator.refusals import WORDS, expected, refusal_of, refusal_of_names, shown


class Colour(StrEnum):
    """In an order that is not the alphabet's."""

    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """Part of a body."""

    colour: Colour = Colour.RED
    share: Annotated[float, Meta(ge=0, le=1)] | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body."""

    name: Annotated[str, Meta(min_length=1, max_length=3, extra={WORDS: "a short name"})]
    count: Annotated[int, Meta(ge=1)] = 1
    inner: Inner = msgspec.field(default_factory=Inner)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "integer"),
        (Annotated[int, Meta(ge=1, le=64)], "integer from 1 to 64"),
        (Annotated[int, Meta(ge=1)] | None, "integer from 1 or null"),
        (Annotated[float, Meta(le=0.5)], "number up to 0.5"),
        (str, "text"),
        (Annotated[str, Meta(min_length=1, max_length=9)], "text of 1 to 9 characters"),
        (Annotated[str, Meta(max_length=9, pattern="^a")], "text of up to 9 characters like ^a"),
        (bool, "true or false"),
        (Colour, "one of red, blue"),
        (Literal["b", "a"], "one of a, b"),
        (Inner, "an object"),
        (dict[str, object], "an object"),
        (list[int], "a list"),
        (bytes, "another value"),
    ],
)
def test_types_in_words(kind: object, words: str) -> None:
    assert expected(kind) == words


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([1], "body: expected an object, got [1]"),
        (None, "body: expected an object, got null"),
        ({}, "name: expected a short name, got nothing"),
        ({"name": "long"}, "name: expected a short name, got 'long'"),
        ({"name": "a", "count": True}, "count: expected integer from 1, got true"),
        ({"name": "a", "count": -(10**30)}, f"count: expected integer from 1, got {-(10**30)}"),
        ({"name": "a", "inner": "b"}, "inner: expected an object, got 'b'"),
        ({"name": "a", "inner": {"colour": "green"}}, "inner.colour: expected one of red, blue, got 'green'"),
        ({"name": "a", "inner": {"share": 2}}, "inner.share: expected number from 0 to 1 or null, got 2"),
        (
            {"nane": "a"},
            "body: expected names among name, count, inner, got 'nane'; did you mean 'name'?",
        ),
        ({"name": "a", "inner": {"x\n": 1}}, "inner: expected names among colour, share, got 'x\\n'"),
    ],
)
def test_the_first_wrong_thing_is_named(value: object, sentence: str) -> None:
    assert refusal_of(value, Body) == sentence


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
        lambda values: st.dictionaries(st.sampled_from(["name", "count", "inner", "colour"]), values),
    )
)
def test_what_msgspec_refuses_is_refused_and_nothing_else(value: object) -> None:
    try:
        msgspec.convert(value, Body)
        is_taken = True
    except msgspec.ValidationError:
        is_taken = False
    refusal = refusal_of(value, Body)
    assert (refusal is None) == is_taken
    assert refusal is None or (": expected " in refusal and ", got " in refusal)


def test_names_that_are_known_are_not_refused() -> None:
    assert refusal_of_names(["b"], ["a", "b"], "query") is None


def test_long_values_are_cut() -> None:
    assert len(shown("x" * 1000)) == len(shown(["x"] * 1000)) == 83
