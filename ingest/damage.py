"""Which pictures are built on a damaged one: pure bookkeeping of decoding order."""

import math


class DamageLedger:
    """What damage reaches, among the packets fed to a decoder so far.

    Damage reaches everything decoded after it up to the next keyframe, and what is decoded after that
    keyframe but shown before it. Such pictures look right to nobody but a program.
    """

    def __init__(self) -> None:
        self._places: dict[int | None, tuple[int, int, bool]] = {}
        """Presentation time -> group of pictures, place in decoding order, shown before its keyframe."""
        self._group = 0
        self._keyframe_pts: float = -math.inf
        self._broken_at: dict[int, int] = {}
        """Group -> the place where its damage starts."""

    def feed(self, pts: int | None, is_keyframe: bool) -> None:
        """Note a packet that goes to the decoder."""
        if is_keyframe and pts is not None:
            self._group += 1
            self._keyframe_pts = pts
        leads = pts is not None and pts < self._keyframe_pts
        self._places[pts] = (self._group, len(self._places), leads)

    def damage(self, pts: int | None) -> None:
        """Note that the packet or picture of this time is damaged."""
        group, place, _ = self._places.get(pts, (self._group, 0, False))
        self._broken_at[group] = min(place, self._broken_at.get(group, place))

    def reaches(self, pts: int | None) -> bool:
        """Whether the picture of this time is damaged or built on a damaged one."""
        group, place, leads = self._places.get(pts, (self._group, 0, False))
        return place >= self._broken_at.get(group, math.inf) or (leads and group - 1 in self._broken_at)
