"""Log lines."""

import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from api.accounts.keys import new_key
from deploy.logs import JsonFormatter


def line(**fields: object) -> dict[str, object]:
    """What a record becomes; it is one line."""
    record = logging.makeLogRecord({"name": "orchestrator.relay", "levelname": "INFO", **fields})
    record.created = 1_795_406_706.789
    text = JsonFormatter().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_a_line_has_the_time_the_message_and_the_extra_fields() -> None:
    assert line(msg="sent %d", args=(3,), job_id=7) == {
        "timestamp": "2026-11-23T04:05:06.789Z",
        "level": "INFO",
        "logger": "orchestrator.relay",
        "message": "sent 3",
        "job_id": 7,
    }


@given(st.text())
def test_whatever_is_logged_stays_within_its_field(text: str) -> None:
    found = line(msg="sent", error=f"x {text}")
    assert (found["level"], found["message"], found["error"]) == ("INFO", "sent", f"x {text}")


def test_lone_surrogates_are_logged() -> None:
    assert line(msg="x", error="\ud800")["error"] == "\\ud800"


def test_a_traceback_is_a_field() -> None:
    try:
        raise ValueError("no\nnews")
    except ValueError as error:
        found = line(msg="failed", exc_info=(type(error), error, error.__traceback__))
    assert "ValueError: no\nnews" in str(found["traceback"])


def test_secrets_are_not_logged() -> None:
    key = new_key()
    url = "postgresql://marey:hunter2@db:5432/marey"
    text = json.dumps(line(msg=f"refused {key.text} at {url}", error=f"x{key.text}", url=url))
    assert key.text.rpartition("_")[0] not in text
    assert "hunter2" not in text
    assert f"mry_{key.key_id}_***" in text
    assert "postgresql://marey:***@db:5432/marey" in text
