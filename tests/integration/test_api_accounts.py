"""Keys and roles: who gets in, who may change what, and that keys stay secret."""

import asyncio
import logging
import stat
from pathlib import Path

import asyncpg
import httpx
import pytest

from api.accounts.keys import new_key
from tests.services.api import DEADLINE_S, RunningApi, assert_problem, execute, http_client
from tests.services.tenants import new_account


def test_the_first_key_is_kept_for_its_owner(api: RunningApi, tmp_path: Path) -> None:
    file = tmp_path / "api-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (key,) = api.http.get("/api_key").json()["items"]
    assert (key["role"], key["api_key_name"], key["user_id"]) == ("admin", "first key", 1)
    assert file.read_text() == api.api_key
    assert key["key_id"] in api.api_key


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer mry_x",
        f"Bearer {new_key().text}",
        "Basic bXJ5OnNlY3JldA==",
        "Bearer \xff\xfe",
        "Bearer " + "a" * 5000,
    ],
)
def test_without_a_good_key_nothing_opens(api: RunningApi, header: str | None) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    with httpx.Client(base_url=api.url, trust_env=False, headers=headers) as http:
        for path in ("/job", "/user/1", "/job/upload_handler", f"/job?api_key={api.api_key}"):
            response = http.get(path)
            assert_problem(response, 401, "unauthenticated")
            assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_with_another_secret_part_is_refused(api: RunningApi) -> None:
    """The id is known and the checksum is right: only the digest tells."""
    import zlib

    _, key_id, _, _ = api.api_key.split("_")
    body = f"mry_{key_id}_{'A' * 43}"
    forged = f"{body}_{zlib.crc32(body.encode()):08x}"
    with http_client(api.url, forged) as http:
        assert_problem(http.get("/job"), 401, "unauthenticated")


def test_a_revoked_key_opens_nothing_from_then_on(api: RunningApi) -> None:
    with new_account(api) as account:
        path = f"/api_key/{account.ids['api_key']}"
        assert account.http.get("/job").status_code == 200
        assert api.http.delete(path).status_code == 204
        assert_problem(account.http.get("/job"), 401, "unauthenticated")
        assert api.http.get(path).json()["revoked_at"] is not None
        assert api.http.delete(path).status_code == 204


def test_the_last_administrator_stays(api: RunningApi) -> None:
    own_key = "/api_key/1"
    for path in ("/user/1", own_key):
        said = assert_problem(api.http.delete(path), 409, "last_administrator")
        assert "make one first" in said
    assert api.http.get(own_key).json()["revoked_at"] is None
    with new_account(api, role="admin") as second:
        assert second.http.delete(own_key).status_code == 204
        assert_problem(api.http.get("/job"), 401, "unauthenticated")
        assert_problem(second.http.delete(f"/user/{second.ids['user']}"), 409, "last_administrator")
        assert second.http.delete("/user/1").status_code == 204


async def test_two_administrators_cannot_end_each_other(database_url: str) -> None:
    """Each sees the other's key until one of both commits."""
    async with (
        asyncpg.create_pool(database_url, min_size=2) as pool,
        pool.acquire() as first,
        pool.acquire() as second,
    ):
        keys = "INSERT INTO api_key (user_id, role, key_id, digest) VALUES"
        await first.execute(f"{keys} (1, 'admin', 'a', sha256('a')), (1, 'admin', 'b', sha256('b'))")
        revoke = "UPDATE api_key SET revoked_at = now() WHERE key_id = $1"
        async with first.transaction():
            await first.execute(revoke, "a")
            late = asyncio.create_task(second.execute(revoke, "b"))
            await asyncio.sleep(0.2)
            assert not late.done()
        with pytest.raises(asyncpg.CheckViolationError, match="last key of an administrator"):
            await asyncio.wait_for(late, DEADLINE_S)


def test_members_read_and_administrators_write(api: RunningApi) -> None:
    with new_account(api) as account:
        project, key = f"/project/{account.ids['project']}", f"/api_key/{account.ids['api_key']}"
        assert account.http.get(project).status_code == 200
        for method, path in (
            ("POST", "/project"),
            ("PUT", project),
            ("DELETE", project),
            ("POST", "/api_key"),
            ("DELETE", key),
        ):
            assert_problem(account.http.request(method, path, json={}), 403, "forbidden")


def test_keys_are_shown_once_and_never_logged(api: RunningApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    response = api.http.post("/api_key", json={"user_id": 1, "api_key_name": "robot"})
    key = response.json()["api_key"]
    assert response.headers["cache-control"] == "no-store"
    with http_client(api.url, key) as http:
        assert http.get("/job").status_code == 200
        assert key not in http.get("/api_key").text
        http.post("/job", json={"job_parameters": {"input": key}})
    with http_client(api.url, key[:-1]) as http:
        http.get("/job")
    secret = key.split("_")[2]
    assert execute(api, "SELECT count(*) FROM api_key t WHERE t::text LIKE '%' || $1 || '%'", secret) == 0
    assert caplog.records
    assert not [record for record in caplog.records if secret in f"{record.getMessage()} {vars(record)}"]


def test_health_and_the_description_need_no_key(api: RunningApi) -> None:
    with http_client(api.url, None) as anyone:
        for path in ("/health/live", "/docs", "/docs/openapi.json"):
            assert anyone.get(path).status_code == 200
