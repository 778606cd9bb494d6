"""Postgres, the record of every job. Only this package imports asyncpg."""

from orchestrator.store.catalogue import Catalogue, Window
from orchestrator.store.jobs import JobRequest, JobStore, JobTerms
from orchestrator.store.keys import KeyStore
from orchestrator.store.store import Store
from orchestrator.store.tenants import API_ROLE, Tenant
from orchestrator.store.views import JobSnapshot, JobView, VideoView

__all__ = [
    "API_ROLE",
    "Catalogue",
    "JobRequest",
    "JobSnapshot",
    "JobStore",
    "JobTerms",
    "JobView",
    "KeyStore",
    "Store",
    "Tenant",
    "VideoView",
    "Window",
]
