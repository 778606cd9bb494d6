"""/job/{id}/results: list and download files."""

from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromPath
from litestar.response import File

from api.dependencies import ResultsDep
from api.jobs.controller import JobId
from api.results.schemas import ResultFileOut, ResultList
from api.results.service import ResultFile

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
    async def list_files(
        self, job_id: JobId, request: Request[Any, Any, Any], results: ResultsDep
    ) -> ResultList:
        """The files that the job has produced so far, with their sizes and addresses."""
        base_url = f"{request.base_url}job/{job_id}/results/"
        return ResultList(items=[_file_out(file, base_url) for file in await results.files(job_id)])

    @get("/{file_path:path}")
    async def download(self, job_id: JobId, file_path: FromPath[str], results: ResultsDep) -> File:
        """One file, as an attachment."""
        path = await results.local_path(job_id, file_path.removeprefix("/"))
        media_type = _MEDIA_TYPES[path.suffix]
        return File(path, filename=path.name, media_type=media_type, headers=_DOWNLOAD_HEADERS)


def _file_out(result: ResultFile, base_url: str) -> ResultFileOut:
    place = result.place
    return ResultFileOut(
        path=place.path,
        size_bytes=result.size_bytes,
        url=base_url + place.path,
        video_id=place.video.id if place.video else None,
        video_name=place.video.name if place.video else None,
    )
