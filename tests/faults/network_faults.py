"""Faults of the network between two processes."""

import time
from random import Random

from tests.faults.cluster import Cluster, until
from tests.services.orchestrator import QUICK

REPLIES = 20
LOST_TIMEOUT_S = 5.0


def partition(cluster: Cluster, role: str, service: str, random: Random) -> str:
    """For less or longer than a lease nothing gets through, or connections break and are refused."""
    link = cluster.link(role, service)
    seconds = random.uniform(0.5, QUICK.lease_s + 2.0)
    hurt = random.choice((link.cut, link.silence))
    hurt()
    time.sleep(seconds)
    link.heal()
    return f"{hurt.__name__} for {seconds:.1f} s"


def lose_a_reply(cluster: Cluster, role: str, service: str, random: Random) -> str:
    """The service has done what it was asked, such as a COMMIT; the answer is lost with the connection."""
    number = random.randint(1, REPLIES)
    link = cluster.link(role, service)
    link.lose_reply(number)
    over_s = time.monotonic() + LOST_TIMEOUT_S
    until(lambda: link.has_lost_reply or time.monotonic() > over_s, 2 * LOST_TIMEOUT_S)
    is_lost = link.has_lost_reply
    link.heal()
    return f"reply {number} {'lost' if is_lost else 'did not come'}"
