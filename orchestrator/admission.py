"""Whether new work may come in: pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from core.errors import (
    MareyError,
    NotReadyError,
    QuotaExceededError,
    RateLimitedError,
    StorageFullError,
)

QUOTA_RETRY_S = 30.0
"""After so long a job of the project may have ended."""


class Quotas(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one project may have; `project_quotas` holds what differs from these defaults."""

    open_jobs: Annotated[int, msgspec.Meta(ge=0)] = 100
    """Jobs that are not over."""
    queued_bytes: Annotated[int, msgspec.Meta(ge=0)] = 200 << 30
    """Of their packages together."""
    queued_frames: Annotated[int, msgspec.Meta(ge=0)] = 5_000_000
    """Frames of their videos that are not done; a job is taken as long as there are fewer."""
    starts_per_s: Annotated[float, msgspec.Meta(gt=0)] = 2.0
    """Upload tickets, jobs and redrives, in the long run."""
    starts_burst: Annotated[int, msgspec.Meta(ge=1)] = 120
    """The same, at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the jobs of a project that are not over take up."""

    open_jobs: int
    queued_bytes: int
    queued_frames: int


def over_quota(quotas: Quotas, usage: Usage, input_bytes: int) -> QuotaExceededError | None:
    """Why a job with a package of `input_bytes` must wait, if it must."""
    if usage.open_jobs >= quotas.open_jobs:
        return _exceeded(f"{quotas.open_jobs} open jobs", f"{usage.open_jobs}")
    if usage.queued_bytes + input_bytes > quotas.queued_bytes:
        return _exceeded(f"{quotas.queued_bytes} bytes queued", f"{usage.queued_bytes} and {input_bytes} new")
    if usage.queued_frames >= quotas.queued_frames:
        return _exceeded(f"{quotas.queued_frames} frames queued", f"{usage.queued_frames}")
    return None


def too_fast(quotas: Quotas, tokens: float) -> RateLimitedError | None:
    """Why a start must wait, if the bucket has no whole token."""
    if tokens >= 1:
        return None
    wait_s = (1 - tokens) / quotas.starts_per_s
    return RateLimitedError(
        f"expected at most {quotas.starts_per_s:g} uploads, jobs and redrives a second from this project "
        f"({quotas.starts_burst} at once), got more: try again in {math.ceil(wait_s)} s",
        retry_after_s=wait_s,
    )


def not_ready(checks: Mapping[str, str]) -> NotReadyError | None:
    """Why nothing new is taken while services do not do their work. `checks`: `ok` or a code by service."""
    failed = ", ".join(f"{name} ({state})" for name, state in checks.items() if state != "ok")
    return NotReadyError(f"expected every service to answer, these do not: {failed}") if failed else None


def storage_full(free_bytes: int | None, needed_bytes: int, reserve_bytes: int) -> StorageFullError | None:
    """Why nothing is stored, if the disk has no room. `free_bytes` None: the store has no bound."""
    if free_bytes is None or free_bytes - needed_bytes >= reserve_bytes:
        return None
    return StorageFullError(
        f"object store: expected {needed_bytes} bytes and a reserve of {reserve_bytes}, got {free_bytes}"
    )


def refuse(reason: MareyError | None) -> None:
    """Raise the reason, if there is one."""
    if reason is not None:
        raise reason


def _exceeded(most: str, got: str) -> QuotaExceededError:
    return QuotaExceededError(
        f"expected at most {most} in this project, got {got}: wait for a job to end",
        retry_after_s=QUOTA_RETRY_S,
    )
