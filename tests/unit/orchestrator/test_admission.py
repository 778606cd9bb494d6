"""Whether new work may come in."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import QuotaExceededError, RateLimitedError
from orchestrator.admission import Quotas, Usage, not_ready, over_quota, refuse, storage_full, too_fast

SMALL = Quotas(open_jobs=2, queued_bytes=100, queued_frames=50)
COUNTS = st.integers(0, 200)


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (Usage(open_jobs=2, queued_bytes=0, queued_frames=0), "at most 2 open jobs in this project, got 2"),
        (Usage(open_jobs=0, queued_bytes=91, queued_frames=0), "100 bytes queued .* got 91 and 10 new"),
        (Usage(open_jobs=0, queued_bytes=0, queued_frames=50), "at most 50 frames queued"),
    ],
)
def test_each_quota_is_named(usage: Usage, said: str) -> None:
    with pytest.raises(QuotaExceededError, match=said):
        refuse(over_quota(SMALL, usage, input_bytes=10))


@given(open_jobs=COUNTS, queued_bytes=COUNTS, queued_frames=COUNTS, input_bytes=COUNTS)
def test_what_is_admitted_fits(
    open_jobs: int, queued_bytes: int, queued_frames: int, input_bytes: int
) -> None:
    usage = Usage(open_jobs=open_jobs, queued_bytes=queued_bytes, queued_frames=queued_frames)
    admitted = over_quota(SMALL, usage, input_bytes) is None
    assert admitted == (open_jobs + 1 <= 2 and queued_bytes + input_bytes <= 100 and queued_frames < 50)


def test_a_start_waits_for_its_token() -> None:
    assert too_fast(Quotas(), tokens=1) is None
    with pytest.raises(RateLimitedError, match="try again in 3 s") as refused:
        refuse(too_fast(Quotas(starts_per_s=0.25), tokens=0.375))
    assert refused.value.retry_after_s == 2.5


def test_services_that_do_not_answer_are_named() -> None:
    assert not_ready({"postgres": "ok", "nats": "ok"}) is None
    assert "nats (timeout)" in str(not_ready({"postgres": "ok", "nats": "timeout"}))


def test_the_disk_keeps_its_reserve() -> None:
    assert storage_full(100, needed_bytes=40, reserve_bytes=60) is None
    assert storage_full(100, needed_bytes=41, reserve_bytes=60) is not None
    assert storage_full(None, needed_bytes=2**60, reserve_bytes=60) is None


@pytest.mark.parametrize("wrong", [{"open_jobs": -1}, {"starts_per_s": 0}, {"jobs": 1}])
def test_wrong_quotas_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Quotas)
