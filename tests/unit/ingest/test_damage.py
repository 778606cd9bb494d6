import pytest

from ingest.damage import DamageLedger

# In decoding order: I0 P4 B2, then I8 with the leading B6, P12 B10, then I16.
ORDER = [(0, True), (4, False), (2, False), (8, True), (6, False), (12, False), (10, False), (16, True)]


def reached(damaged: list[int]) -> set[int]:
    ledger = DamageLedger()
    for pts, is_keyframe in ORDER:
        ledger.feed(pts, is_keyframe)
    for pts in damaged:
        ledger.damage(pts)
    return {pts for pts, _ in ORDER if ledger.reaches(pts)}


@pytest.mark.parametrize(
    ("damaged", "expected"),
    [
        ([], set()),
        ([0], {0, 4, 2, 6}),
        ([4], {4, 2, 6}),
        ([2], {2, 6}),
        ([8], {8, 6, 12, 10}),
        ([10], {10}),
        ([16], {16}),
        ([10, 4], {4, 2, 6, 10}),
    ],
)
def test_damage_reaches_what_is_built_on_it(damaged: list[int], expected: set[int]) -> None:
    assert reached(damaged) == expected


def test_packets_without_times() -> None:
    ledger = DamageLedger()
    ledger.feed(None, True)
    ledger.damage(None)
    assert ledger.reaches(None)
