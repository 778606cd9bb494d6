"""Any sequence of what users and misfortune may do ends right: a Hypothesis state machine on real services.

Postgres, NATS, an orchestrator and two workers as processes, and a Triton whose ensemble computes nothing.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

import nats
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from nats.js.errors import NotFoundError

from bench.noop_stack import Noop, take_inference_out
from orchestrator.bus import STREAM
from tests.faults.small_system import PACKAGES, ROLES, SmallSystem, running_system
from tests.media import Clip, write_clip
from tests.services.orchestrator import zip_of
from tests.services.triton import serving

EXAMPLES_VARIABLE = "MAREY_STATE_EXAMPLES"
"""So many random sequences; unset: a few that are always the same."""
FEW, STEPS = 3, 14
pytestmark = pytest.mark.timeout(3600 if os.environ.get(EXAMPLES_VARIABLE) else 150)


class Jobs(RuleBasedStateMachine):
    """What may happen, in any order; what must hold is checked when everything has settled."""

    system: ClassVar[SmallSystem]

    def __init__(self) -> None:
        super().__init__()
        self.job_ids: list[int] = []
        self.cancelled: set[int] = set()
        self.calm = True
        """Something else has happened since the last kill."""

    @initialize(packages=st.lists(st.sampled_from(PACKAGES), min_size=1, max_size=3))
    def begin(self, packages: list[str]) -> None:
        """Users start jobs, and the first of them gets under way."""
        for package in packages:
            self.submit(package)
        self.system.pause(0.5)

    @rule(package=st.sampled_from(PACKAGES))
    def submit(self, package: str) -> None:
        """A user starts a job."""
        self.job_ids.append(self.system.submit(package))
        self.calm = True

    @precondition(lambda self: self.job_ids)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """A user ends a job, which may have ended."""
        job_id = data.draw(st.sampled_from(self.job_ids))
        if self.system.cancel(job_id):
            self.cancelled.add(job_id)

    @precondition(lambda self: self.job_ids)
    @rule(data=st.data())
    def redrive(self, data: st.DataObject) -> None:
        """A user repeats what failed in a job, if anything did."""
        self.system.redrive(data.draw(st.sampled_from(self.job_ids)))

    @precondition(lambda self: self.calm)
    @rule(role=st.sampled_from(ROLES))
    def kill(self, role: str) -> None:
        """kill -9 of a process, which is started again."""
        self.system.kill(role)
        self.calm = False

    @precondition(lambda self: self.job_ids)
    @rule(offset=st.sampled_from((-1, 0, 1)))
    def duplicate(self, offset: int) -> None:
        """The message of every open task comes once more, with its epoch, an older or a newer one."""
        self.system.repeat_messages(offset)

    @precondition(lambda self: self.job_ids)
    @rule()
    def expire(self) -> None:
        """Every lease is over, while its holder works on."""
        self.system.expire_leases()

    @rule(pause_s=st.floats(0.05, 0.4))
    def wait(self, pause_s: float) -> None:
        """Nothing happens."""
        self.system.pause(pause_s)
        self.calm = True

    def teardown(self) -> None:
        """Everything ends, and ends right."""
        self.system.settle(self.job_ids)
        for job_id in self.job_ids:
            self.system.check(job_id, is_cancelled=job_id in self.cancelled)
        self.system.check_leftovers()


@pytest.fixture
def system(database_url: str, nats_server: str, tmp_path: Path) -> Iterator[SmallSystem]:
    """The services, and packages to submit."""
    asyncio.run(_without_stream(nats_server))
    videos = {"a.mp4": write_clip(tmp_path / "a.mp4", Clip(frames=48))}
    videos["b.mp4"] = write_clip(tmp_path / "b.mp4", Clip(frames=20))
    (tmp_path / "c.mp4").write_text("no video")
    packages = {
        "good": zip_of(tmp_path / "good.zip", videos),
        "mixed": zip_of(tmp_path / "mixed.zip", {**videos, "c.mp4": tmp_path / "c.mp4"}),
    }
    change: Callable[[Path], None] = partial(take_inference_out, noop=Noop(answer_s=0.02))
    with (
        serving(tmp_path / "triton", change=change) as triton,
        running_system(tmp_path, database_url, nats_server, triton.url, packages) as made,
    ):
        yield made


async def _without_stream(url: str) -> None:
    client = await nats.connect(url)
    try:
        with suppress(NotFoundError):
            await client.jetstream().delete_stream(STREAM)
    finally:
        await client.close()


def test_whatever_happens_jobs_end_right(system: SmallSystem, report: Callable[[str], None]) -> None:
    class Here(Jobs):
        """On this system."""

    Here.system = system
    wanted = os.environ.get(EXAMPLES_VARIABLE)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=int(wanted or FEW),
            stateful_step_count=STEPS,
            derandomize=wanted is None,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    done = ", ".join(f"{name} {count}" for name, count in sorted(system.done.items()))
    report(f"state machine: {len(system.package_of)} jobs ended right; {done}")
