"""The servers that `bench.api` compares: `python -m bench.api_servers marey|bare DATABASE_URL FOLDER PORT`.

`marey` is the whole API. `bare` is what one would write by hand for two routes, and for one call of gRPC on
the next port: no keys, no checks, no request ids, no logs, no metrics, the driver's rows as they are. Both
run the same statements in one order.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import msgspec
import uvicorn
from litestar import Litestar, get, post
from marey.v1 import jobs_pb2_grpc
from marey.v1.jobs_pb2 import GetJobRequest, GetJobResponse, Job

from api.rpc.settings import RpcSettings
from api.service import Server, listening_socket, open_services, rpc_beside, server_config
from api.settings import ApiSettings
from deploy.logs import configure_logging
from orchestrator.settings import Settings
from orchestrator.store import API_ROLE
from orchestrator.store.database import Database
from orchestrator.store.queries import load_queries
from orchestrator.store.tenants import reading

SECRET = b"bench " * 8
HOST = "127.0.0.1"
POOL = 8
INPUT_KEY = f"uploads/1/{0:032x}.zip"
_SQL = load_queries()
_READ_JOB = reading(_SQL["job_view"])
_READ_SNAPSHOT = reading(_SQL["job_snapshot"])


class NewJob(msgspec.Struct):
    """Body of `POST /job`."""

    job_parameters: dict[str, str]


def bare_app(pool: asyncpg.Pool) -> Litestar:
    """Two routes with the statements of Marey's."""

    @get("/job/{job_id:int}")
    async def read(job_id: int) -> dict[str, Any]:
        return dict(await pool.fetchrow(_READ_JOB, 1, job_id, 1, True))

    @post("/job")
    async def create(data: NewJob) -> dict[str, Any]:
        async with pool.acquire() as connection:
            async with connection.transaction():
                await connection.execute(_SQL["enter_tenant"], 1, True)
                await connection.fetchrow(_SQL["spend_token"], 1, 2.0, 120)
            async with connection.transaction():
                await connection.execute(_SQL["enter_tenant"], 1, True)
                row = await connection.fetchrow(_SQL["job_defaults"], 1, 1, "pose_2d", None, True)
                await connection.fetchrow(_SQL["lock_quotas"], 1)
                await connection.fetchrow(_SQL["project_usage"], 1)
                made = await connection.fetchrow(
                    _SQL["insert_job"], row["user_id"], row["project_id"], row["pipeline_id"],
                    row["pipeline_parameter_set_id"], row["tier"], {},
                    data.job_parameters["input"], 3, None, None,
                )  # fmt: skip
        return dict(await pool.fetchrow(_READ_JOB, 1, made["id"], 1, True))

    return Litestar([read, create], openapi_config=None, logging_config=None)


class BareJobs(jobs_pb2_grpc.JobServiceServicer):
    """One call with the statement of Marey's."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def GetJob(self, request: GetJobRequest, context: object) -> GetJobResponse:
        """Of a job without videos that has ended well."""
        row = await self._pool.fetchrow(_READ_SNAPSHOT, 1, request.job_id, 1, True)
        job = Job(
            id=row["id"], user_id=row["user_id"], project_id=row["project_id"],
            status=f"JOB_STATUS_{row['status'].upper()}", pipeline=row["pipeline_name"],
            tier=f"TIER_{row['tier'].upper()}", videos_total=row["videos_total"],
            videos_done=row["videos_done"], created_at=row["created_at"], finished_at=row["finished_at"],
            pipeline_parameter_set_id=row["pipeline_parameter_set_id"], input_key=row["input_key"],
        )  # fmt: skip
        job.parameters.update(row["parameters"])
        return GetJobResponse(job=job)


async def serve_bare(database_url: str, port: int) -> None:
    """Serve until SIGTERM, as the API does it."""
    database = await Database.open(database_url, POOL, API_ROLE)
    rpc = grpc.aio.server()
    jobs_pb2_grpc.add_JobServiceServicer_to_server(BareJobs(database.pool), rpc)
    rpc.add_insecure_port(f"{HOST}:{port + 1}")
    await rpc.start()
    with listening_socket(HOST, port) as listener:
        config = uvicorn.Config(bare_app(database.pool), access_log=False, log_config=None)
        await Server(config, asyncio.Event()).serve(sockets=[listener])
    await rpc.stop(None)
    await database.close()


async def serve_marey(database_url: str, folder: Path, port: int) -> None:
    """Serve until SIGTERM. NATS and Triton are not there and not asked for."""
    settings = ApiSettings(
        services=Settings(
            database_url=database_url,
            nats_url="nats://127.0.0.1:9",
            triton_url="127.0.0.1:9",
            store_url=(folder / "objects").as_uri(),
        ),
        secret=SECRET,
        admin_key_file=folder / "api-key",
        rpc=RpcSettings(port=port + 1, public_url=f"http://{HOST}:{port}", max_calls_per_project=256),
    )
    with listening_socket(HOST, port) as listener:
        async with (
            open_services(settings, lambda store, *_: {"postgres": store.ping}) as services,
            rpc_beside(services, settings.rpc, drain_timeout_s=5),
        ):
            await Server(server_config(services, 5), services.stopping).serve(sockets=[listener])


def main(which: str, database_url: str, folder: Path, port: int) -> None:
    """Serve one of the two."""
    configure_logging()
    if which == "bare":
        asyncio.run(serve_bare(database_url, port))
    else:
        asyncio.run(serve_marey(database_url, folder, port))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
