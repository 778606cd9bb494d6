"""Servers and keys that `marey configure` keeps, readable by their owner only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from marey.errors import LocalFileError, NoEndpointError

DEFAULT = "default"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A server and the key for it."""

    endpoint_url: str
    api_key: str | None = None


class Profiles(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the file."""

    profiles: dict[str, Profile] = {}


def profiles_path(environ: Mapping[str, str]) -> Path:
    """`marey/profiles.json` in XDG_CONFIG_HOME (default ~/.config)."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "marey" / "profiles.json"


def read_profile(environ: Mapping[str, str], name: str | None = None) -> Profile | None:
    """The profile `name`, else MAREY_PROFILE's, else `default` if there is one.

    Raises NoEndpointError for a name that is not there and for a damaged file.
    """
    wanted = name or environ.get("MAREY_PROFILE")
    profile = kept_profile(environ, wanted or DEFAULT)
    if profile is None and wanted:
        raise NoEndpointError(f"there is no profile {wanted!r}: make it with `marey configure`")
    return profile


def kept_profile(environ: Mapping[str, str], name: str) -> Profile | None:
    """The profile `name`, if there is one. Raises NoEndpointError for a damaged file."""
    return _read(profiles_path(environ)).profiles.get(name)


def write_profile(environ: Mapping[str, str], name: str, profile: Profile) -> Path:
    """Keep a profile; returns the file. Raises NoEndpointError for a damaged file, LocalFileError."""
    path = profiles_path(environ)
    kept = Profiles(profiles=_read(path).profiles | {name: profile})
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept)))
        draft.replace(path)
    except OSError as error:
        raise LocalFileError(f"{path}: {error.strerror or error}") from error
    return path


def _read(path: Path) -> Profiles:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Profiles)
    except FileNotFoundError:
        return Profiles()
    except (OSError, msgspec.MsgspecError) as error:
        raise NoEndpointError(f"expected {path} to be written by `marey configure`, got {error}") from error
