"""GET /metrics, and what the API logs of a request."""

import logging

import pytest

from api.accounts.keys import new_key
from deploy.logs import JsonFormatter
from tests.services.api import RunningApi, assert_problem, http_client, upload
from tests.services.prometheus import samples, value
from tests.services.tenants import new_account


def test_requests_are_counted_by_route(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    for path in (f"/job/{job.id}", "/job/987654321", "/nothing/here", "/another/nothing"):
        api.http.get(path)
    api.http.request("BREW", "/job")
    found = samples(api.http.get("/metrics").text)
    job_route = {"method": "GET", "route": "/job/{job_id}"}
    assert value(found, "marey_http_requests_total", **job_route, status="200") == 1
    assert value(found, "marey_http_requests_total", **job_route, status="404") == 1
    assert value(found, "marey_http_request_duration_seconds_count", **job_route) == 2
    assert value(found, "marey_http_requests_total", method="GET", route="unknown", status="404") == 2
    assert value(found, "marey_service_ready", service="postgres") == 1
    assert (value(found, "marey_pool_connections", state="possible") or 0) >= 1
    routes = {label for _, labels in found for name, label in labels if name == "route"}
    assert "/upload/{token}" in routes
    assert not any("nothing" in route for route in routes)


def test_only_administrators_read_metrics(api: RunningApi) -> None:
    assert api.http.get("/metrics").headers["content-type"].startswith("text/plain; version=")
    with new_account(api) as member, http_client(api.url, None) as anyone:
        assert_problem(member.http.get("/metrics"), 403, "forbidden")
        assert_problem(anyone.get("/metrics"), 401, "unauthenticated")


def test_requests_are_logged_without_secrets(api: RunningApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ticket = api.http.get("/job/upload_handler").json()
    api.http.put(ticket["upload_url"], content=b"zip")
    made = api.http.post(
        "/job", json={"job_parameters": {"input": ticket["input_key"]}}, headers={"X-Request-ID": "mine-7"}
    )
    number = made.json()["id"]
    links = api.http.get(f"/job/{number}/results").json()
    api.http.get(links["archive_url"])
    unknown = new_key().text
    with http_client(api.url, unknown) as stranger:
        assert stranger.get(f"/job/{number}", params={"key": unknown}).status_code == 401
    lines = [
        JsonFormatter().format(record)
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))
    ]
    text = "\n".join(lines)
    for secret in (api.api_key, unknown, ticket["upload_url"][-40:], links["archive_url"][-40:]):
        assert secret not in text
    posted = [line for line in lines if '"mine-7"' in line]
    assert len(posted) == 1
    for part in ('"action":"request"', '"outcome":"ok"', '"duration_s":', '"project_id":1', '"user_id":1'):
        assert part in posted[0]
    assert any(f'"job_id":{number}' in line and '"outcome":"refused"' in line for line in lines)
