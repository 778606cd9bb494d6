"""/job/{id}/results: the files, and /download: one of them."""

from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromPath
from litestar.response import File, Stream
from litestar.types import Scope

from api.accounts.roles import NO_KEY, PUBLIC
from api.accounts.tenants import tenant_of
from api.dependencies import services_of
from api.jobs.controller import JobId
from api.results.archive import zip_pieces
from api.results.schemas import ResultFileOut, ResultList
from api.results.service import Archive, ResultFile

_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".parquet": "application/vnd.apache.parquet",
}
_DOWNLOAD_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


class ResultController(Controller):
    """Files of a job."""

    path = "/job/{job_id:int}/results"
    tags = ("results",)

    @get()
    async def list_files(self, job_id: JobId, request: Request[Any, Any, Any], scope: Scope) -> ResultList:
        """The files that the job has produced so far, with links that are good for an hour."""

        tenant, results = tenant_of(scope), services_of(scope).results

        def url(path: str | None) -> str:
            return f"{request.base_url}download/{results.token(tenant, job_id, path)}"

        items = [_file_out(file, url(file.place.path)) for file in await results.files(tenant, job_id)]
        return ResultList(items=items, archive_url=url(None))


class DownloadController(Controller):
    """Files behind links."""

    path = "/download"
    tags = ("results",)
    opt = PUBLIC
    security = NO_KEY

    @get("/{token:str}")
    async def download(self, token: FromPath[str], scope: Scope) -> File | Stream:
        """The file of a link, or the archive of all files of a job, as an attachment."""
        wanted = await services_of(scope).results.open(token)
        if isinstance(wanted, Archive):
            headers = {"Content-Disposition": f'attachment; filename="{wanted.name}"', **_DOWNLOAD_HEADERS}
            return Stream(zip_pieces(wanted.files), media_type="application/zip", headers=headers)
        media_type = _MEDIA_TYPES[wanted.suffix]
        return File(wanted, filename=wanted.name, media_type=media_type, headers=_DOWNLOAD_HEADERS)


def _file_out(result: ResultFile, url: str) -> ResultFileOut:
    place = result.place
    return ResultFileOut(
        path=place.path,
        size_bytes=result.size_bytes,
        url=url,
        video_id=place.video.id if place.video else None,
        video_name=place.video.name if place.video else None,
    )
