"""Bodies of results."""

import msgspec


class ResultFileOut(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a job produced."""

    path: str
    """`videos/<video id>/<file>`, or `<file>` for the job's own."""
    size_bytes: int
    url: str
    video_id: int | None
    video_name: str | None


class ResultList(msgspec.Struct, frozen=True, kw_only=True):
    """The files that a job has produced so far."""

    items: list[ResultFileOut]
    archive_url: str
    """All of them as one zip."""
