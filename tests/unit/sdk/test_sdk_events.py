"""Server-sent events, however they are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from marey.server_events import EventReader

DATA = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])).map(str.encode)


def read(stream: bytes, cuts: list[int]) -> list[bytes]:
    reader = EventReader()
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[start:stop] for start, stop in pairwise(places)]
    return [data for piece in pieces for data in reader.feed(piece)]


@given(st.lists(DATA, max_size=5), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 500)))
def test_events_come_out_whole(events: list[bytes], end: bytes, cuts: list[int]) -> None:
    stream = b"".join(b"event: job" + end + b"data: " + data + end + end for data in events)
    # What follows tells that a last carriage return is not half of a line's end.
    assert read(stream + b": end", cuts) == events


def test_comments_and_unfinished_events_are_left_out() -> None:
    assert read(b": quiet\n\ndata:a\ndata: b\n\nid: 3\n\ndata: unfin", []) == [b"a\nb"]
    assert read("data: a\u2028b\u0085c\n\n".encode(), []) == ["a\u2028b\u0085c".encode()]
