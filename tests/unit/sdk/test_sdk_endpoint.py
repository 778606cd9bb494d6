"""Which server the client talks to."""

import json
from pathlib import Path

import pytest
from marey.endpoint import resolve_endpoint
from marey.errors import NoEndpointError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a running stack."""
    (tmp_path / "stack.json").write_text(json.dumps({"api_url": "http://127.0.0.1:5000", "pid": 7}))
    return tmp_path


def test_the_nearest_answer_wins(home: Path) -> None:
    environ = {"MAREY_HOME": str(home), "MAREY_ENDPOINT_URL": "https://marey.example/"}
    assert resolve_endpoint("http://given:1/", environ) == "http://given:1"
    assert resolve_endpoint(None, environ) == "https://marey.example"
    assert resolve_endpoint(None, {"MAREY_HOME": str(home)}) == "http://127.0.0.1:5000"


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NoEndpointError, match="`marey up`"):
        resolve_endpoint(None, {"MAREY_HOME": str(tmp_path)})


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"api_url": 3}'])
def test_a_damaged_stack_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    with pytest.raises(NoEndpointError, match=r"stack\.json"):
        resolve_endpoint(None, {"MAREY_HOME": str(tmp_path)})


@pytest.mark.parametrize("url", ["localhost:80", "ftp://host", "//host"])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(NoEndpointError, match="http://"):
        resolve_endpoint(url, {})
