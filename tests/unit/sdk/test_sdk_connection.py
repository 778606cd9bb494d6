"""What the client sends, and sends again: pages, changes, retries, events."""

from pathlib import Path

import msgspec
import pytest
from marey.errors import (
    CannotConnectError,
    ConflictError,
    ConnectionLostError,
    NotFoundError,
    PreconditionFailedError,
    RateLimitedError,
    StoreError,
)
from marey.objects.users import User

from tests.unit.sdk.jobs import job
from tests.unit.sdk.servers import (
    FakeAnswer,
    FakeTransport,
    body_of,
    in_turn,
    json_answer,
    operations,
    problem,
)

USER = {"id": 7, "user_name": "Ada", "user_email": "ada@example.org", "group_id": 1}


async def test_the_key_goes_to_the_server_and_not_to_links(tmp_path: Path) -> None:
    url = "http://elsewhere.example/download/token"
    files = {"items": [{"path": "a", "size_bytes": 1, "url": url}], "archive_url": url}
    transport = FakeTransport(in_turn(json_answer(files), FakeAnswer(body=(b"file",))))
    await operations(transport).download_archive(3, tmp_path / "all.zip")
    asked, link = transport.requests
    assert asked.headers["authorization"] == "Bearer the-key"
    assert "authorization" not in link.headers


async def test_pages_are_asked_for_as_they_are_needed() -> None:
    users = [USER | {"id": number} for number in range(4)]
    pages = [
        json_answer({"items": users[:2], "next_cursor": "abc"}),
        json_answer({"items": users[2:], "next_cursor": None}),
    ]
    transport = FakeTransport(in_turn(*pages))
    found = []
    async for user in operations(transport).list_users(group_id=1, sort="-id", page_size=2):
        found.append(user.id)
        assert len(transport.requests) == 1 + (user.id >= 2)
    assert found == [0, 1, 2, 3]
    first, second = (dict(request.params) for request in transport.requests)
    assert (first["group_id"], first["sort"], first["limit"]) == (1, "-id", 2)
    assert second["cursor"] == "abc"


async def test_a_change_by_id_is_made_on_what_is_there_then() -> None:
    newer = USER | {"group_id": 2, "field_of_a_newer_server": True}
    transport = FakeTransport(
        in_turn(
            json_answer(USER, etag='"a"'),
            problem(412, "precondition_failed"),
            json_answer(newer, etag='"b"'),
            json_answer(newer | {"user_name": "Grace"}),
        )
    )
    changed = await operations(transport).update_user(7, user_name="Grace")
    assert (changed.user_name, changed.group_id) == ("Grace", 2)
    first, second = (request for request in transport.requests if request.method == "PUT")
    assert (first.headers["if-match"], second.headers["if-match"]) == ('"a"', '"b"')
    kept = {name: value for name, value in newer.items() if name != "id"}
    assert body_of(second) == kept | {"user_name": "Grace"}


async def test_a_change_of_an_object_is_made_only_if_it_is_as_it_was_read() -> None:
    read = msgspec.convert(USER, User)
    transport = FakeTransport(in_turn(json_answer(USER | {"group_id": 9}, etag='"b"')))
    with pytest.raises(PreconditionFailedError, match="user 7 as it was read"):
        await operations(transport).update_user(read, user_name="Grace")
    meanwhile = FakeTransport(in_turn(json_answer(USER, etag='"a"'), problem(412, "precondition_failed")))
    with pytest.raises(PreconditionFailedError):
        await operations(meanwhile).update_user(read, user_name="Grace")
    assert [request.method for request in meanwhile.requests] == ["GET", "PUT"]


async def test_a_field_can_be_cleared_and_left_alone() -> None:
    project = {"id": 1, "project_name": "gym", "project_cluster_url": "triton:8001", "project_queue": {}}
    transport = FakeTransport(in_turn(json_answer(project, etag='"a"'), json_answer(project)))
    await operations(transport).update_project(1, project_cluster_url=None)
    assert body_of(transport.requests[1]) == {
        "project_name": "gym",
        "project_cluster_url": None,
        "project_queue": {},
    }


async def test_a_job_is_sent_again_under_the_same_key() -> None:
    transport = FakeTransport(
        in_turn(
            ConnectionLostError("reset"),
            problem(503, "store"),
            FakeAnswer(body=(b'{"id', b""), breaks=True),
            json_answer(job()),
        )
    )
    assert (await operations(transport).create_job("uploads/1/x.zip")).id == 3
    keys = {request.headers["idempotency-key"] for request in transport.requests}
    assert (len(transport.requests), len(keys)) == (4, 1)
    again = FakeTransport(in_turn(json_answer(job()), json_answer(job())))
    for _ in range(2):
        await operations(again).create_job("uploads/1/x.zip")
    assert (
        len({request.headers["idempotency-key"] for request in [*transport.requests, *again.requests]}) == 3
    )


async def test_what_is_not_safe_is_not_sent_again() -> None:
    for failure, error in (
        (ConnectionLostError("x"), ConnectionLostError),
        (problem(503, "store"), StoreError),
    ):
        transport = FakeTransport(in_turn(failure))
        with pytest.raises(error):
            await operations(transport).create_project(project_name="gym")
        assert len(transport.requests) == 1


async def test_the_server_says_how_long_to_wait() -> None:
    transport = FakeTransport(in_turn(problem(429, "rate_limited", retry_after="7"), json_answer(job())))
    await operations(transport).redrive(3)
    assert 7 <= transport.pauses_s[0] < 7 * 1.25
    impatient = FakeTransport(in_turn(problem(429, "rate_limited", retry_after="3600")))
    with pytest.raises(RateLimitedError) as refused:
        await operations(impatient).redrive(3)
    assert refused.value.problem.retry_after_s == 3600


async def test_attempts_are_bounded() -> None:
    transport = FakeTransport(in_turn(*[ConnectionLostError("x")] * 3))
    with pytest.raises(ConnectionLostError):
        await operations(transport, attempts=3).get_job(3)
    assert (len(transport.requests), len(transport.pauses_s)) == (3, 2)


async def test_a_download_that_breaks_off_is_made_again(tmp_path: Path) -> None:
    files = {"items": [], "archive_url": "http://x/all"}
    broken, whole = FakeAnswer(body=(b"ha",), breaks=True), FakeAnswer(body=(b"ha", b"lf"))
    transport = FakeTransport(in_turn(json_answer(files), broken, whole))
    path = await operations(transport).download_archive(3, tmp_path / "new" / "all.zip")
    assert path.read_bytes() == b"half"
    assert [file.name for file in path.parent.iterdir()] == ["all.zip"]
    gone = FakeTransport(in_turn(json_answer(files), problem(404, "not_found")))
    with pytest.raises(NotFoundError):
        await operations(gone).download_archive(3, tmp_path / "other.zip")
    assert not (tmp_path / "other.zip").exists()


def event(status: str) -> bytes:
    return b"event: job\r\ndata: " + msgspec.json.encode({"job": job(status), "videos": []}) + b"\r\n\r\n"


async def test_events_go_on_after_a_break() -> None:
    transport = FakeTransport(
        in_turn(
            FakeAnswer(body=(event("queued"), event("running")), breaks=True),
            FakeAnswer(body=(b": nothing new\r\n\r\n", event("running"))),
            *[FakeAnswer(body=(event("running"),))] * 20,
            CannotConnectError("restarting"),
            problem(503, "store"),
            FakeAnswer(body=(event("completed"), event("never read"))),
        )
    )
    statuses = [snapshot.job.status async for snapshot in operations(transport).events(3)]
    assert statuses == ["queued", "running", "completed"]
    assert transport.pauses_s == [1.0] * 24


async def test_who_stops_listening_leaves_no_connection_open() -> None:
    answer = FakeAnswer(body=(event("queued"), event("running")))
    snapshots = operations(FakeTransport(in_turn(answer))).events(3)
    assert (await anext(snapshots)).job.status == "queued"
    assert answer.closed == []
    await snapshots.aclose()
    assert answer.closed == [True]


async def test_events_that_never_come_end_with_an_error() -> None:
    transport = FakeTransport(lambda _: FakeAnswer(body=(b": nothing new\r\n\r\n",)))
    with pytest.raises(ConnectionLostError, match="events of job 3, 11 connections brought none"):
        _ = [snapshot async for snapshot in operations(transport).events(3)]
    refused = FakeTransport(in_turn(problem(404, "not_found")))
    with pytest.raises(NotFoundError):
        _ = [snapshot async for snapshot in operations(refused).events(3)]


async def test_an_answer_of_something_else_is_told() -> None:
    transport = FakeTransport(in_turn(FakeAnswer(body=(b"<html>",))))
    with pytest.raises(ConnectionLostError, match=r"an answer of Marey from http://marey\.example"):
        await operations(transport, attempts=1).get_job(3)


async def test_a_refusal_has_its_class() -> None:
    transport = FakeTransport(in_turn(problem(409, "conflict")))
    with pytest.raises(ConflictError, match=r"conflict it is \[conflict\]") as refused:
        await operations(transport).delete_user(7)
    assert (refused.value.status, refused.value.code) == (409, "conflict")
