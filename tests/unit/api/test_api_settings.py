"""Settings of the API's process."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.settings import DEFAULT_PORT, ApiSettings, kept_secret
from core.errors import ConfigurationError

SERVICES = {
    "MAREY_DATABASE_URL": "postgresql:///marey",
    "MAREY_NATS_URL": "nats://127.0.0.1:4222",
    "MAREY_TRITON_URL": "127.0.0.1:8001",
    "MAREY_STORE_URL": "file:///tmp/objects",
}


def test_defaults(tmp_path: Path) -> None:
    settings = ApiSettings.from_environment({**SERVICES, "MAREY_HOME": str(tmp_path)})
    assert (settings.host, settings.port) == ("127.0.0.1", DEFAULT_PORT)
    assert settings.services.triton_url == "127.0.0.1:8001"
    again = ApiSettings.from_environment({**SERVICES, "MAREY_HOME": str(tmp_path)})
    assert again.secret == settings.secret


def test_everything_given() -> None:
    given = {"MAREY_API_HOST": "0.0.0.0", "MAREY_API_PORT": "81", "MAREY_SECRET": "s" * 32}
    settings = ApiSettings.from_environment({**SERVICES, **given})
    assert (settings.host, settings.port, settings.secret) == ("0.0.0.0", 81, b"s" * 32)


def test_the_secret_is_not_shown() -> None:
    settings = ApiSettings.from_environment({**SERVICES, "MAREY_SECRET": "s" * 32})
    assert "s" * 32 not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAREY_API_PORT", "0"),
        ("MAREY_API_PORT", "65536"),
        ("MAREY_API_PORT", "http"),
        ("MAREY_API_PORT", "²"),
        ("MAREY_SECRET", "short"),
    ],
)
def test_unusable_values_are_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ApiSettings.from_environment({**SERVICES, "MAREY_HOME": str(tmp_path), name: value})


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secret"
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: kept_secret(path), range(8)))
    assert len(secrets) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["secret"]


def test_a_damaged_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="remove it"):
        kept_secret(tmp_path / "secret")
