"""compose.yaml as Compose reads it, for the tests of what it says."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "compose.yaml"
TEXT = COMPOSE.read_text(encoding="utf-8")
FILE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
"""Services whose image is built here."""
PASSWORD = "0123456789abcdef"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-+?])([^}]*))?\}")


def filled(text: str, variables: Mapping[str, str] | None = None) -> str:
    """`text` with its variables replaced: `:-` default, `:+` only if set, `:?` required (a password)."""
    given = variables or {}

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if kind == "+":
            return rest if name in given else ""
        return given.get(name, {"-": rest, "?": PASSWORD}[kind])

    return _VARIABLE.sub(value, text)


def environment(service: str, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What Compose gives to a service."""
    values = SERVICES[service].get("environment", {})
    return {name: filled(value, variables) for name, value in values.items()}


def enabled(profiles: Iterable[str]) -> set[str]:
    """Services that run with these profiles."""
    chosen = set(profiles)
    return {
        name for name, one in SERVICES.items() if not one.get("profiles") or chosen & set(one["profiles"])
    }


def required_variables() -> set[str]:
    """Those without which Compose starts nothing."""
    return {name for name, kind, _ in _VARIABLE.findall(TEXT) if kind == "?"}


def named_variables() -> set[str]:
    """All of them."""
    return {name for name, _, _ in _VARIABLE.findall(TEXT)}


def networks(service: str) -> set[str]:
    """A list or a mapping in the file."""
    return set(SERVICES[service]["networks"])


def aliases(service: str) -> set[str]:
    """Names under which others find a service."""
    networks = SERVICES[service]["networks"]
    own = networks["inside"].get("aliases", []) if isinstance(networks, dict) else []
    return {service, *own}
