"""Which server the client talks to, and with which key."""

import json
import stat
from pathlib import Path

import pytest
from marey.endpoint import Endpoint, resolve_endpoint
from marey.errors import NoEndpointError
from marey.profiles import Profile, profiles_path, write_profile

LOCAL = "http://127.0.0.1:5000"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without stack and profiles."""
    return {"MAREY_HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def home(environ: dict[str, str]) -> Path:
    """The folder of a running stack."""
    home = Path(environ["MAREY_HOME"])
    home.mkdir()
    (home / "stack.json").write_text(json.dumps({"api_url": LOCAL, "pid": 7}))
    (home / "api-key").write_text("local-key")
    return home


@pytest.mark.usefixtures("home")
def test_the_nearest_answer_wins(environ: dict[str, str]) -> None:
    assert resolve_endpoint(None, None, environ) == Endpoint(LOCAL, "local-key")
    write_profile(environ, "default", Profile(endpoint_url="https://lab.example", api_key="lab-key"))
    assert resolve_endpoint(None, None, environ) == Endpoint("https://lab.example", "lab-key")
    environ["MAREY_ENDPOINT_URL"] = "https://marey.example/"
    assert resolve_endpoint(None, None, environ) == Endpoint("https://marey.example")
    environ["MAREY_API_KEY"] = "environment-key"
    assert resolve_endpoint(None, None, environ) == Endpoint("https://marey.example", "environment-key")
    assert resolve_endpoint("http://given:1/", "given-key", environ) == Endpoint(
        "http://given:1", "given-key"
    )


@pytest.mark.usefixtures("home")
def test_a_kept_key_goes_to_its_own_server_only(environ: dict[str, str]) -> None:
    write_profile(environ, "default", Profile(endpoint_url="https://lab.example", api_key="lab-key"))
    assert resolve_endpoint("https://lab.example/", None, environ).api_key == "lab-key"
    assert resolve_endpoint(LOCAL, None, environ).api_key == "local-key"
    assert resolve_endpoint("https://lab.example.evil", None, environ).api_key is None
    assert "lab-key" not in repr(resolve_endpoint(None, None, environ))


def test_profiles_are_kept_for_their_owner(environ: dict[str, str]) -> None:
    for name in ("lab", "club"):
        write_profile(environ, name, Profile(endpoint_url=f"https://{name}.example", api_key=name))
    assert resolve_endpoint(None, None, environ, "lab") == Endpoint("https://lab.example", "lab")
    environ["MAREY_PROFILE"] = "club"
    assert resolve_endpoint(None, None, environ) == Endpoint("https://club.example", "club")
    environ |= {"MAREY_ENDPOINT_URL": "https://marey.example", "MAREY_API_KEY": "environment-key"}
    assert resolve_endpoint(None, None, environ, "lab") == Endpoint("https://lab.example", "lab")
    assert resolve_endpoint(None, None, environ).url == "https://marey.example"
    for name in ("MAREY_ENDPOINT_URL", "MAREY_API_KEY"):
        del environ[name]
    assert stat.S_IMODE(profiles_path(environ).stat().st_mode) == 0o600
    with pytest.raises(NoEndpointError, match=r"no profile 'gym'.*marey configure"):
        resolve_endpoint(None, None, environ, "gym")
    profiles_path(environ).write_text("[]")
    with pytest.raises(NoEndpointError, match=r"profiles\.json"):
        resolve_endpoint(None, None, environ)


def test_without_a_stack_it_says_how_to_start_one(environ: dict[str, str]) -> None:
    with pytest.raises(NoEndpointError, match="`marey up`"):
        resolve_endpoint(None, None, environ)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"api_url": 3}'])
def test_a_damaged_stack_file_is_named(home: Path, environ: dict[str, str], content: str) -> None:
    (home / "stack.json").write_text(content)
    with pytest.raises(NoEndpointError, match=r"stack\.json"):
        resolve_endpoint(None, None, environ)


@pytest.mark.parametrize("url", ["localhost:80", "ftp://host", "//host"])
def test_other_schemes_are_refused(environ: dict[str, str], url: str) -> None:
    with pytest.raises(NoEndpointError, match="http://"):
        resolve_endpoint(url, None, environ)
