"""The store as a whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from orchestrator.store.admission import AdmissionStore
from orchestrator.store.catalogue import Catalogue
from orchestrator.store.database import Database
from orchestrator.store.figures import FigureStore
from orchestrator.store.flow import FlowStore
from orchestrator.store.jobs import JobStore
from orchestrator.store.keys import KeyStore
from orchestrator.store.levers import LeverStore
from orchestrator.store.networks import NetworkStore
from orchestrator.store.poses import PoseStore
from orchestrator.store.repair import RepairStore
from orchestrator.store.tasks import TaskStore


@dataclass(frozen=True, slots=True)
class _Answer:
    answers: bool


class Store:
    """Jobs, poses, catalogue and keys for the API; tasks, flow and repair for the others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.jobs = JobStore(database)
        self.poses = PoseStore(database)
        self.catalogue = Catalogue(database)
        self.keys = KeyStore(database)
        self.admission = AdmissionStore(database)
        self.tasks = TaskStore(database)
        self.flow = FlowStore(database)
        self.networks = NetworkStore(database)
        self.repair = RepairStore(database)
        self.levers = LeverStore(database)
        self.figures = FigureStore(database)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, max_connections: int = 8, role: str | None = None) -> AsyncIterator[Self]:
        """A store on the database at `url`, which is migrated already. Raises StoreError.

        It works as `role` if one is given: the API's sees nothing but what each tenant may.
        """
        database = await Database.open(url, max_connections, role)
        try:
            yield cls(database)
        finally:
            await database.close()

    async def ping(self) -> None:
        """Raise StoreError unless Postgres answers."""
        await self._database.row(_Answer, "ping")
