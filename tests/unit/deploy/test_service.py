"""The pure parts of supervision: restart delays and start order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.process import ServiceCommand
from deploy.embedded.service import RestartPolicy, Service, start_levels


def service(name: str, *needs: str) -> Service:
    """A service that nobody starts."""

    async def ready() -> bool:
        return True

    return Service(name=name, command=lambda: ServiceCommand(name=name, argv=()), ready=ready, needs=needs)


@pytest.mark.parametrize(
    ("deaths_s", "failed_starts", "delay_s"),
    [
        ([100.0], 0, 0.5),
        ([100.0, 101.0], 0, 1.0),
        ([100.0, 101.0, 102.0], 2, 2.0),
        ([100.0 + n for n in range(20)], 0, 10.0),
        ([100.0 + n for n in range(20)], 4, 10.0),
        ([100.0, 101.0, 102.0, 103.0, 104.0], 5, None),
        ([1.0, 200.0, 400.0, 600.0, 1000.0], 5, None),
        ([1.0, 2.0, 3.0, 4.0, 1000.0], 0, 0.5),
    ],
)
def test_the_delay_doubles_with_recent_deaths_until_the_service_cannot_start(
    deaths_s: list[float], failed_starts: int, delay_s: float | None
) -> None:
    assert RestartPolicy().delay_s(deaths_s, failed_starts) == delay_s


@given(st.lists(st.floats(0, 1e6), min_size=1).map(sorted))
def test_however_often_a_service_dies_it_is_started_again_after_a_bounded_time(deaths_s: list[float]) -> None:
    policy = RestartPolicy()
    delay_s = policy.delay_s(deaths_s, failed_starts=0)
    assert delay_s is not None
    assert policy.first_delay_s <= delay_s <= policy.max_delay_s


def test_services_start_together_once_their_needs_are_met() -> None:
    services = [
        service("worker", "bus", "store"),
        service("bus"),
        service("store"),
        service("watcher", "worker"),
    ]
    names = [{one.name for one in level} for level in start_levels(services)]
    assert names == [{"bus", "store"}, {"worker"}, {"watcher"}]


def test_a_need_that_runs_elsewhere_is_met() -> None:
    assert [[one.name for one in level] for level in start_levels([service("worker", "bus")])] == [["worker"]]
