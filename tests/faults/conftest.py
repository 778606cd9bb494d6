"""Which faults with which seeds, the cluster that they hurt, and what is said of them in the end."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.faults import records
from tests.faults.cluster import running_cluster
from tests.faults.faults import FAULTS, SHORT, needs_s3
from tests.faults.jobs import Subject, warmed_up, write_package
from tests.faults.parts import mine
from tests.faults.records import Case
from tests.faults.shards import SEEDS_VARIABLE
from tests.services.s3 import S3Server

LINES = pytest.StashKey[list[str]]()
CASES = pytest.StashKey[list[Case]]()
FAILURE = pytest.StashKey[str]()
PASSED = pytest.StashKey[bool]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each fault with each seed."""
    wanted = os.environ.get(SEEDS_VARIABLE)
    seeds = _seeds(wanted or "1")
    if {"fault", "seed"} <= set(metafunc.fixturenames):
        faults = FAULTS if wanted else SHORT
        pairs: list[tuple[str, int]] = [(fault, seed) for seed in seeds for fault in faults]
        # One change of the cluster is enough; the tests that come after need one without S3.
        ordered = sorted(mine(pairs), key=lambda pair: not needs_s3(pair[0]))
        metafunc.parametrize(("fault", "seed"), ordered)
    elif "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds)


def _seeds(wanted: str) -> range:
    first, dash, last = wanted.rpartition("-")
    return range(int(first), int(last) + 1) if dash else range(int(last))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the fixtures of a test how it ended."""
    report = yield
    if report.failed:
        item.stash[FAILURE] = report.longreprtext
    elif report.when == "call":
        item.stash[PASSED] = True
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was counted."""
    for line in config.stash.get(LINES, []):
        terminalreporter.write_line(line)
    if cases := config.stash.get(CASES, []):
        terminalreporter.write_line(records.totals(cases))


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes lines for the end of the run."""
    return request.config.stash.setdefault(LINES, []).append


class Subjects:
    """One subject at a time: a case that failed may have left it in pieces."""

    def __init__(self, package: Path) -> None:
        self._package = package
        self._running = contextlib.ExitStack()
        self._subject: Subject | None = None
        self._logs: Path | None = None

    def take(self, s3: S3Server | None) -> Subject:
        """The subject with this object store, a new one if there is none."""
        if self._subject is None or self._subject.cluster.s3 is not s3:
            self.discard()
            if s3 is not None:
                environment = self._running.enter_context(pytest.MonkeyPatch.context())
                for name, value in s3.environment.items():
                    environment.setenv(name, value)
            # Not below pytest's folder, which PostgreSQL's user may not enter.
            folder = self._running.enter_context(tempfile.TemporaryDirectory(prefix="marey-faults-"))
            cluster = self._running.enter_context(running_cluster(Path(folder), s3))
            self._logs = cluster.layout.home.logs
            self._subject = warmed_up(cluster, self._package)
        return self._subject

    def logs(self) -> list[Path]:
        """Of the services that run now."""
        return [] if self._logs is None else list(self._logs.iterdir())

    def discard(self) -> None:
        """Stop it."""
        self._subject, self._logs = None, None
        self._running.close()


@pytest.fixture(scope="package")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subjects]:
    """All cases of one process hurt one cluster after the other, many the same."""
    made = Subjects(write_package(tmp_path_factory.mktemp("package")))
    try:
        yield made
    finally:
        made.discard()


@pytest.fixture
def subject(subjects: Subjects) -> Subject:
    """A cluster that keeps its objects in a folder."""
    return subjects.take(None)


@pytest.fixture
def hurt_subject(fault: str, subjects: Subjects, request: pytest.FixtureRequest) -> Subject:
    """What `fault` can hurt."""
    return subjects.take(request.getfixturevalue("s3_server") if needs_s3(fault) else None)


@pytest.fixture
def case(
    fault: str, seed: int, subjects: Subjects, report: Callable[[str], None], request: pytest.FixtureRequest
) -> Iterator[Case]:
    """What the test finds out goes here; it is reported unless the run is broken off."""
    noted = Case(fault=fault, seed=seed)
    yield noted
    error = request.node.stash.get(FAILURE, None)
    if error is not None:
        noted.failed(error)
    elif not request.node.stash.get(PASSED, False):
        return
    records.write(noted, subjects.logs())
    report(str(noted))
    request.config.stash.setdefault(CASES, []).append(noted)
    if error is not None:
        subjects.discard()
