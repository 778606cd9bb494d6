"""JSON bodies, strictly."""

import pytest
from litestar.exceptions import ClientException, ValidationException

from api.bodies import decode_body
from api.catalogue.bodies import ProjectBody, UserBody

USER = b'{"user_name": "A", "user_email": "a@b.c", "group_id": %s}'


def test_a_good_body_is_taken() -> None:
    assert decode_body(USER % b"5", UserBody) == UserBody(user_name="A", user_email="a@b.c", group_id=5)


@pytest.mark.parametrize("value", [b'"5"', b"true", b"5.5", b"null", b"[5]", b"0", b"9007199254740992"])
def test_values_are_not_bent_into_their_type(value: bytes) -> None:
    with pytest.raises(ValidationException, match="group_id"):
        decode_body(USER % value, UserBody)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"project_name": "a", "project_name": "b"}', "'project_name' twice"),
        (b'{"project_name": "a", "project_queue": {"tier": "standard", "tier": "priority"}}', "'tier' twice"),
        (b'{"project_name": "a", "project_queue": {"dedicated": 0}}', "dedicated"),
        (b'{"project_name": "a", "owner": 1}', "body: expected names among project_name, .*, got 'owner'"),
        (b"", "null"),
    ],
)
def test_what_is_ambiguous_or_unknown_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(ValidationException, match=said):
        decode_body(body, ProjectBody)


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'{"project_name": "\\ud800"}', b'{"project_name": NaN}', b'{"project_name": "a"} {}'],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ClientException, match="expected a JSON body"):
        decode_body(body, ProjectBody)
