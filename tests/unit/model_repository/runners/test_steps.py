"""Rows through a few fixed batch sizes."""

from hypothesis import given
from hypothesis import strategies as st

from model_repository.runners.torch_cuda.steps import STEP_COST_ROWS, steps

BATCHES = (1, 8, 16, 32, 64)


@given(st.integers(1, 600))
def test_steps_hold_all_rows_and_leave_no_step_out(rows: int) -> None:
    sizes = steps(rows, BATCHES)
    assert set(sizes) <= set(BATCHES)
    assert sum(sizes[:-1]) < rows <= sum(sizes)
    assert list(sizes) == sorted(sizes, reverse=True)


@given(st.integers(1, 64))
def test_no_single_step_is_cheaper(rows: int) -> None:
    single = STEP_COST_ROWS + min(size for size in BATCHES if size >= rows)
    sizes = steps(rows, BATCHES)
    assert STEP_COST_ROWS * len(sizes) + sum(sizes) <= single


def test_a_few_rows_more_do_not_double_the_work() -> None:
    assert steps(33, BATCHES) == (32, 1)
    assert steps(60, BATCHES) == (64,)
    assert steps(200, BATCHES) == (64, 64, 64, 8)
