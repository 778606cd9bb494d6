"""Faults of the network between two processes."""

import time
from random import Random

from tests.faults.cluster import Cluster
from tests.faults.links import Link
from tests.services.orchestrator import QUICK
from tests.services.waiting import until

REPLIES = 20
COMMITS = 5
"""Among so many one is chosen, the first ones after the fault's instant."""
LOST_TIMEOUT_S = 5.0


def partition(cluster: Cluster, role: str, service: str, random: Random) -> str:
    """For less or longer than a lease nothing gets through, or connections break and are refused; at least
    until the API has noticed, if it is cut off."""
    link = cluster.link(role, service)
    seconds = random.uniform(0.5, QUICK.lease_s + 2.0)
    hurt = random.choice((link.cut, link.silence))
    since_s = time.monotonic()
    hurt()
    time.sleep(seconds)
    if role == "api":
        cluster.readiness.until_noticed(since_s)
    link.heal()
    return f"{hurt.__name__} for {time.monotonic() - since_s:.1f} s"


def lose_a_reply(cluster: Cluster, role: str, service: str, random: Random) -> str:
    """The service has done what it was asked; the answer is lost with the connection."""
    return _lose(cluster.link(role, service), random.randint(1, REPLIES), b"")


def lose_a_commit(cluster: Cluster, random: Random) -> str:
    """Postgres has committed a transaction of the orchestrator, which does not get to know."""
    return _lose(cluster.link("orchestrator", "postgres"), random.randint(1, COMMITS), b"COMMIT")


def _lose(link: Link, number: int, holding: bytes) -> str:
    link.lose_reply(number, holding)
    over_s = time.monotonic() + LOST_TIMEOUT_S
    until(lambda: link.has_lost_reply or time.monotonic() > over_s, 2 * LOST_TIMEOUT_S)
    is_lost = link.has_lost_reply
    link.heal()
    return f"reply {number} {'lost' if is_lost else 'did not come'}"
