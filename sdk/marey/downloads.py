"""Where downloaded results go. What the server names is never trusted as a path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from marey.packing import unique_names

if TYPE_CHECKING:
    from marey.objects.results import ResultFile

_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


def local_paths(files: Sequence[ResultFile], out: Path) -> list[Path]:
    """`out/<video name>/<file name>` for each file, `out/<file name>` for the job's own."""
    folders = _folders(files)
    return [
        (out if file.video_id is None else out / folders[file.video_id]) / safe_name(file.path.split("/")[-1])
        for file in files
    ]


def safe_name(name: str) -> str:
    """One path component: no separators, no control characters, no leading dots."""
    return _UNSAFE.sub("_", name).strip(" ").lstrip(".") or "_"


def _folders(files: Sequence[ResultFile]) -> dict[int, str]:
    """One folder per video: its name without suffix, numbered where two are alike."""
    names = {file.video_id: file.video_name for file in files if file.video_id is not None}
    stems = [safe_name(Path(name or f"video-{video_id}").stem) for video_id, name in names.items()]
    return dict(zip(names, unique_names(stems), strict=True))
