"""Postgres, the record of every job. Only this package imports asyncpg."""

from orchestrator.store.jobs import DEFAULT_USER_ID, JobRequest, JobView, VideoView
from orchestrator.store.store import Store

__all__ = ["DEFAULT_USER_ID", "JobRequest", "JobView", "Store", "VideoView"]
