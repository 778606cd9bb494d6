"""Jobs as a server would tell of them."""

from datetime import datetime

from marey.objects.jobs import Job


def job(status: str = "queued", job_id: int = 3) -> Job:
    """One without parameters, made at the beginning of 2026."""
    return Job(
        id=job_id,
        user_id=1,
        project_id=1,
        status=status,
        pipeline="pose_2d",
        tier="standard",
        pipeline_parameter_set_id=1,
        job_parameters={},
        created_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    )
