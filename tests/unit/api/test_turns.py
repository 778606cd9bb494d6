"""Turns of analyses: fair by tier and project, and none is lost."""

import asyncio
from collections import Counter

from api.poses.turns import Turns
from core.jobs import TaskKind, Tier
from orchestrator.lanes import Lane

FRAMES = 32


def lane(tier: Tier, project_id: int = 1) -> Lane:
    return Lane.of(TaskKind.INFER, tier, project_id)


async def served(lanes: list[Lane], count: int) -> list[Lane]:
    """Who got the first turns, one at a time, while everybody always waits for the next ones."""
    turns, order = Turns(1), list[Lane]()

    async def ask(own: Lane) -> None:
        while len(order) < count:
            async with turns.turn(own, FRAMES):
                order.append(own)
                await asyncio.sleep(0)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for own in lanes:
            # Two of each, so that its lane has somebody while one of them is served.
            group.create_task(ask(own))
            group.create_task(ask(own))
    return order[:count]


async def test_tiers_share_as_at_a_worker() -> None:
    order = await served([lane(tier) for tier in Tier], 120)
    shares = Counter(own.tier for own in order)
    assert abs(shares[Tier.HIGH_PRIORITY] - 80) <= 8
    assert abs(shares[Tier.PRIORITY] - 30) <= 4
    assert abs(shares[Tier.STANDARD] - 10) <= 2


async def test_projects_of_a_tier_share_evenly() -> None:
    order = await served([lane(Tier.STANDARD, 1)] * 3 + [lane(Tier.STANDARD, 2)], 40)
    assert abs(Counter(own.project_id for own in order)[2] - 20) <= 2


async def test_the_most_urgent_is_next() -> None:
    turns, order = Turns(1), list[Tier]()

    async def ask(tier: Tier) -> None:
        async with turns.turn(lane(tier), FRAMES):
            order.append(tier)

    async with asyncio.timeout(10):
        async with turns.turn(lane(Tier.PRIORITY, 2), FRAMES):
            asking = [asyncio.create_task(ask(tier)) for tier in Tier]
            await asyncio.sleep(0.01)
            assert order == []
        await asyncio.gather(*asking)
    assert order == [Tier.HIGH_PRIORITY, Tier.PRIORITY, Tier.STANDARD]


async def test_no_more_at_once_than_there_are_turns() -> None:
    turns, under_way, most = Turns(3), 0, 0

    async def ask(number: int) -> None:
        nonlocal under_way, most
        async with turns.turn(lane(Tier.STANDARD, number), FRAMES):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(ask(number))
    assert most == 3


async def test_those_who_give_up_lose_no_turn() -> None:
    """While they wait, and between the turn that they are given and their next step."""
    turns = Turns(1)

    async def ask() -> None:
        async with turns.turn(lane(Tier.STANDARD), FRAMES):
            await asyncio.sleep(0)

    async with asyncio.timeout(10):
        async with turns.turn(lane(Tier.STANDARD), FRAMES):
            waiting = [asyncio.create_task(ask()) for _ in range(4)]
            await asyncio.sleep(0)
            waiting[1].cancel()
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert [task.cancelled() for task in waiting] == [True, True, False, False]
        await ask()
