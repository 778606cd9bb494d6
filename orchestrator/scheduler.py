"""Whose turn it is: deficit round robin between tiers, then between the projects of a tier. Pure.

In a round every tier may serve `weight * quantum` frames and every project of a tier `quantum` frames; what
is served above that is owed in the next rounds. Nobody knows how many frames a message stands for before it
is taken, so it is charged afterwards. After M. Shreedhar and G. Varghese, "Efficient Fair Queuing Using
Deficit Round-Robin", 1996; the debt is the surplus of H. Adiseshu et al., "A Reliable and Scalable Striping
Protocol", 1996.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.jobs import Tier
from orchestrator.lanes import Lane

WEIGHTS: Mapping[Tier, int] = {Tier.STANDARD: 1, Tier.PRIORITY: 3, Tier.HIGH_PRIORITY: 8}
"""Frames of each tier in the same time when all of them wait. The lowest keeps a twelfth: its floor."""
QUANTUM_FRAMES = 32
"""A frame batch of the usual size. Smaller than a run, so that a tier or project rarely has two in a row."""
AGEING_S = 60.0
"""A lane that waited for so long is served as one of the next tier, once."""
_MOST_URGENT_FIRST = tuple(reversed(Tier))

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The right to take one message from a lane."""

    lane: Lane
    served_as: Tier
    """The lane's tier, or the next if it has waited long; this one pays."""
    waits_since_s: float


class Scheduler:
    """Knows which lanes have something and what was served. Times are any clock's that does not go back.

    Work-conserving: there is a turn whenever a lane that may be served has something.
    """

    def __init__(self) -> None:
        self._waits_since_s: dict[Lane, float] = {}
        self._tiers = _Credits[Tier]({tier: WEIGHTS[tier] * QUANTUM_FRAMES for tier in Tier})
        self._projects = {tier: _Credits[int]({}) for tier in Tier}

    def add(self, lane: Lane, now_s: float) -> None:
        """The lane may have something; nothing changes if that is known."""
        self._waits_since_s.setdefault(lane, now_s)

    def take_turn(self, now_s: float, may_take: Callable[[int], bool] = lambda _: True) -> Turn | None:
        """Who is next among the projects for which `may_take` says so; None if nobody waits.

        The lane counts as empty from here, until `serve` or `add` says that it has something.
        """
        served_as = {
            lane: _aged(lane.tier, now_s - since_s)
            for lane, since_s in self._waits_since_s.items()
            if may_take(lane.project_id)
        }
        if not served_as:
            return None
        tiers = set(served_as.values())
        tier = self._tiers.first([tier for tier in _MOST_URGENT_FIRST if tier in tiers])
        lane = self._next_of([lane for lane, its in served_as.items() if its is tier], self._projects[tier])
        return Turn(lane=lane, served_as=tier, waits_since_s=self._waits_since_s.pop(lane))

    def serve(self, turn: Turn, frames: int, now_s: float) -> None:
        """The turn gave a message for `frames` frames; the lane may have more."""
        self._tiers.charge(turn.served_as, frames)
        self._projects[turn.served_as].charge(turn.lane.project_id, frames)
        self._waits_since_s[turn.lane] = now_s

    def give_back(self, turn: Turn) -> None:
        """The turn could not be used; the lane waits as before."""
        self._waits_since_s[turn.lane] = turn.waits_since_s

    def _next_of(self, lanes: list[Lane], projects: "_Credits[int]") -> Lane:
        """Whose project was served least, then who waits longest: a newcomer is next."""
        lanes.sort(key=lambda lane: (projects.owed(lane.project_id), self._waits_since_s[lane]))
        project = projects.first([lane.project_id for lane in lanes])
        return next(lane for lane in lanes if lane.project_id == project)


class _Credits(Generic[K]):
    """Frames that each may still serve in this round; below zero: served ahead of it."""

    def __init__(self, quanta: Mapping[K, int]) -> None:
        self._quanta = quanta
        self._owed: dict[K, int] = {}
        """Frames served in this round and ahead of it; whoever is missing has served none."""

    def first(self, waiting: list[K]) -> K:
        """The first of those who wait that may serve; a new round begins if none may."""
        rounds = min(self.owed(key) // self._quantum(key) for key in waiting)
        if rounds > 0:
            self._pass(rounds)
        return next(key for key in waiting if self.owed(key) < self._quantum(key))

    def owed(self, key: K) -> int:
        """Frames that `key` has served in this round and ahead of it."""
        return self._owed.get(key, 0)

    def charge(self, key: K, frames: int) -> None:
        """`key` has served so many frames."""
        self._owed[key] = self.owed(key) + frames

    def _pass(self, rounds: int) -> None:
        """Everybody, waiting or not, is credited; nobody saves up more than one round."""
        left = {key: owed - rounds * self._quantum(key) for key, owed in self._owed.items()}
        self._owed = {key: owed for key, owed in left.items() if owed > 0}

    def _quantum(self, key: K) -> int:
        return self._quanta.get(key, QUANTUM_FRAMES)


def _aged(tier: Tier, waited_s: float) -> Tier:
    """The tier that serves a lane of `tier`."""
    tiers = list(Tier)
    above = min(tiers.index(tier) + 1, len(tiers) - 1)
    return tiers[above] if waited_s >= AGEING_S else tier
