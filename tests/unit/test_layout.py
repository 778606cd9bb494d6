"""The shape of the repository, as DESIGN and the style notes ask for it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SOURCE_LINES, LONGEST_TEST_LINES = 400, 450
SERVER_FOLDERS = {"api", "biomechanics", "core", "ingest", "model_repository", "ensembles", "orchestrator"}
OTHER_FOLDERS = {".ci", "bench", "deploy", "docs", "examples", "proto", "sdk", "tests", "trt_build"}


def tracked_files() -> list[Path]:
    """Files that git knows or would add, that are there; skips outside a checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for line in listing.stdout.splitlines() if (path := ROOT / line).is_file()]


def test_files_stay_short() -> None:
    too_long = {}
    for path in tracked_files():
        name = path.relative_to(ROOT)
        lines = path.read_text().count("\n") if path.suffix == ".py" else 0
        if lines > (LONGEST_TEST_LINES if name.parts[0] == "tests" else LONGEST_SOURCE_LINES):
            too_long[str(name)] = lines
    assert too_long == {}


def test_the_top_level_is_the_map_of_the_design() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}
    assert folders <= SERVER_FOLDERS | OTHER_FOLDERS


def test_no_large_file_is_committed() -> None:
    sizes = {str(path.relative_to(ROOT)): path.stat().st_size for path in tracked_files()}
    assert {name: size for name, size in sizes.items() if size > 12_000_000} == {}
