"""Nothing is taken while Triton is away."""

from dataclasses import dataclass, field

import pytest

from core.errors import InferenceError, InferenceUnavailableError, MareyError, ModelContractError
from orchestrator.standby import Standby

AWAY = InferenceUnavailableError("connection refused")


@dataclass
class Answers:
    """What Triton says, one after the other."""

    errors: list[MareyError | None] = field(default_factory=list)

    async def __call__(self) -> None:
        """The next one."""
        if (error := self.errors.pop(0)) is not None:
            raise error


async def test_nobody_is_asked_while_all_is_well() -> None:
    standby = Standby(Answers(), 0)
    for error in (None, InferenceError("the model returned NaN")):
        standby.note(error)
        assert await standby.is_over()


@pytest.mark.parametrize("last", [None, ModelContractError("other sizes")])
async def test_it_is_over_when_triton_answers(last: MareyError | None) -> None:
    answers = Answers([AWAY, AWAY, last])
    standby = Standby(answers, 0)
    standby.note(AWAY)
    assert [await standby.is_over() for _ in range(3)] == [False, False, True]
    assert await standby.is_over()
    assert answers.errors == []


async def test_triton_is_not_asked_all_the_time() -> None:
    answers = Answers([None])
    standby = Standby(answers, 60)
    standby.note(AWAY)
    assert not await standby.is_over()
    assert answers.errors == [None]
