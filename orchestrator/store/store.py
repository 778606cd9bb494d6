"""The store as a whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from orchestrator.store.database import Database
from orchestrator.store.flow import FlowStore
from orchestrator.store.jobs import JobStore
from orchestrator.store.repair import RepairStore
from orchestrator.store.tasks import TaskStore


class Store(JobStore):
    """Jobs for the API; tasks, flow and repair for the orchestrator's own processes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.tasks = TaskStore(database)
        self.flow = FlowStore(database)
        self.repair = RepairStore(database)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, max_connections: int = 8) -> AsyncIterator[Self]:
        """A store on the database at `url`, which is migrated already. Raises StoreError."""
        database = await Database.open(url, max_connections)
        try:
            yield cls(database)
        finally:
            await database.close()
