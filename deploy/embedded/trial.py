"""A target that nobody asked for is on trial: Triton starts first and computes, or the CPU serves."""

from collections.abc import Callable

from core.errors import MareyError
from deploy.embedded.ports import HOST
from deploy.embedded.service import Service
from deploy.embedded.supervisor import Supervisor
from deploy.embedded.target import TargetChoice
from orchestrator.triton import TritonClient

TritonOf = Callable[[TargetChoice], Service]
"""Triton for a target."""


async def target_that_works(
    supervisor: Supervisor, triton_of: TritonOf, choice: TargetChoice, grpc_port: int
) -> TargetChoice:
    """Start Triton for a choice; for its fallback, if it has one, where Triton does not start or does not
    compute. Returns what runs.

    Raises ServiceDiedError and the errors of `build_repository` for what nothing else stands in for.
    """
    if choice.otherwise is None:
        await supervisor.start([triton_of(choice)])
        return choice
    try:
        await supervisor.start([triton_of(choice)])
        await _computes(grpc_port)
    except MareyError as error:
        await supervisor.stop()
        fallen = choice.fallen_back(str(error))
        await supervisor.start([triton_of(fallen)])
        return fallen
    return choice


async def _computes(grpc_port: int) -> None:
    """What a worker asks before it works. Raises InferenceError leaves and ModelContractError."""
    async with await TritonClient.open(f"{HOST}:{grpc_port}") as triton:
        await triton.check_contract()
        await triton.canary()
