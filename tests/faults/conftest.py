"""Seeds per fault, and the counts at the end of the run."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster, running_cluster
from tests.faults.faults import FAULTS, SHORT

SEEDS_VARIABLE = "MAREY_FAULT_SEEDS"
"""`5`: every fault with seeds 0 to 4; `5-9`: with these. Unset: a few faults, once."""
LINES = pytest.StashKey[list[str]]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each fault with each seed."""
    if {"fault", "seed"} <= set(metafunc.fixturenames):
        wanted = os.environ.get(SEEDS_VARIABLE)
        faults = FAULTS if wanted else SHORT
        pairs = [(fault, seed) for fault in faults for seed in _seeds(wanted or "1")]
        metafunc.parametrize(("fault", "seed"), pairs)


def _seeds(wanted: str) -> range:
    first, dash, last = wanted.rpartition("-")
    return range(int(first), int(last) + 1) if dash else range(int(last))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was counted."""
    for line in config.stash.get(LINES, []):
        terminalreporter.write_line(line)


@dataclass(frozen=True, slots=True)
class Report:
    """Takes lines for the end of the run."""

    lines: list[str]

    def __call__(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Lines that are printed at the end of the run."""
    return Report(request.config.stash.setdefault(LINES, []))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One cluster for all faults. Not below pytest's folder, which PostgreSQL's user may not enter."""
    with tempfile.TemporaryDirectory(prefix="marey-faults-") as folder, running_cluster(Path(folder)) as made:
        yield made
