"""Which networks a video's poses come from."""

from dataclasses import dataclass

from core.errors import NotFoundError
from core.jobs import TaskStatus
from core.networks import Networks
from orchestrator.store.database import Database
from orchestrator.store.tasks import Lease, lost


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    networks: Networks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    id: int
    epoch: int
    status: TaskStatus


class NetworkStore:
    """Lets a video have one set of networks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, video_id: int, networks: Networks) -> Networks:
        """What the video's poses come from: these networks, if no run of it has begun yet."""
        claim = await self._database.row(_Claim, "claim_video", video_id, networks)
        if claim is None:
            raise NotFoundError(f"there is no video {video_id}")
        return claim.networks

    async def restart(self, lease: Lease, networks: Networks) -> None:
        """All frame batches of the lease's video are to be inferred again, with these networks.

        Every run of it ends where it is, this one too, and is ready again. Raises LeaseLostError if the lease
        is lost by now; then nothing is changed.
        """
        async with self._database.transaction() as session:
            runs = await session.rows(_Run, "lock_runs", lease.job_id, lease.video)
            if _Run(id=lease.id, epoch=lease.epoch, status=TaskStatus.LEASED) not in runs:
                raise lost(lease)
            if await session.execute("restart_video", lease.video, networks):
                await session.execute("restart_runs", lease.job_id, lease.video)
