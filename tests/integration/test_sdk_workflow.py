"""From nothing to poses in nine steps, by each interface. A real stack with real networks.

1 connect as the administrator · 2 a project with its tier · 3 a parameter set · 4 a user group · 5 a user and
a key · 6 a pipeline and its parameters · 7 an upload · 8 a job · 9 its progress to the end, and the results
"""

import asyncio
import csv
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import httpx
import marey
import msgspec
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from click.testing import CliRunner
from marey.cli import main as marey_cli
from marey.profiles import Profile, write_profile

from deploy.embedded.options import StackOptions
from deploy.embedded.stack import RunningStack, running_stack

pytestmark = pytest.mark.timeout(300)

SQUAT = Path(__file__).parents[2] / "examples" / "clips" / "squat.mp4"
FRAMES = 8
DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one way through the steps works with."""

    stack: RunningStack
    name: str
    """Of everything that it makes."""
    clip: Path
    out: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What it came to."""

    job: marey.Job
    project_id: int
    statuses: list[str]
    """Of the job, in the order seen: as it was accepted, then of its events, which may begin later."""


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """Everything that `marey up` starts."""
    with (
        tempfile.TemporaryDirectory(prefix="marey-test-") as home,
        running_stack(StackOptions(home=Path(home))) as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of a squat."""
    path = tmp_path_factory.mktemp("clip") / "squat.mp4"
    with av.open(str(SQUAT)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30)
        assert isinstance(stream, VideoStream)
        shown = source.streams.video[0]
        stream.width, stream.height, stream.pix_fmt = shown.width, shown.height, "yuv420p"
        for number, frame in zip(range(FRAMES), source.decode(shown), strict=False):
            picture = VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), "rgb24")
            picture.pts = number
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
    return path


def with_client(work: Work) -> Outcome:
    """marey.Client."""
    with marey.Client(work.stack.api_url, work.stack.api_key) as admin:
        project = admin.create_project(project_name=work.name, project_queue={"tier": "priority"})
        parameter_set = admin.create_pipeline_parameter_set(pipeline_parameter_set_name=work.name)
        group = admin.create_user_group(
            project_id=project.id, pipeline_parameter_set_id=parameter_set.id, user_group_name=work.name
        )
        email = f"{work.name}@example.org"
        user = admin.create_user(user_name=work.name, user_email=email, group_id=group.id)
        key = admin.create_api_key(user_id=user.id)
        pipeline = admin.create_pipeline(pipeline_name=work.name, pipeline_endpoint="pose_2d")
        admin.create_pipeline_parameters(
            pipeline_id=pipeline.id,
            pipeline_parameter_set_id=parameter_set.id,
            pipeline_parameters_name="overlay",
            pipeline_parameters_value="off",
        )
    with marey.Client(work.stack.api_url, key.api_key) as client:
        input_key = client.upload(work.clip)
        job = client.create_job(input_key, pipeline.pipeline_name)
        snapshots = list(client.events(job.id))
        client.download_results(job.id, work.out)
    seen = [job, *(snapshot.job for snapshot in snapshots)]
    return Outcome(job=seen[-1], project_id=project.id, statuses=[job.status for job in seen])


def with_async_client(work: Work) -> Outcome:
    """marey.AsyncClient."""
    return asyncio.run(_with_async_client(work))


async def _with_async_client(work: Work) -> Outcome:
    async with marey.AsyncClient(work.stack.api_url, work.stack.api_key) as admin:
        project, parameter_set, pipeline = await asyncio.gather(
            admin.create_project(project_name=work.name, project_queue={"tier": "priority"}),
            admin.create_pipeline_parameter_set(pipeline_parameter_set_name=work.name),
            admin.create_pipeline(pipeline_name=work.name, pipeline_endpoint="pose_2d"),
        )
        group = await admin.create_user_group(
            project_id=project.id, pipeline_parameter_set_id=parameter_set.id, user_group_name=work.name
        )
        email = f"{work.name}@example.org"
        user = await admin.create_user(user_name=work.name, user_email=email, group_id=group.id)
        key = await admin.create_api_key(user_id=user.id)
        await admin.create_pipeline_parameters(
            pipeline_id=pipeline.id,
            pipeline_parameter_set_id=parameter_set.id,
            pipeline_parameters_name="overlay",
            pipeline_parameters_value="off",
        )
    async with marey.AsyncClient(work.stack.api_url, key.api_key) as client:
        input_key = await client.upload([work.clip])
        job = await client.create_job(input_key, pipeline.pipeline_name)
        snapshots = [snapshot async for snapshot in client.events(job.id)]
        await client.download_results(job.id, work.out)
    seen = [job, *(snapshot.job for snapshot in snapshots)]
    return Outcome(job=seen[-1], project_id=project.id, statuses=[job.status for job in seen])


def with_command_line(work: Work) -> Outcome:
    """`marey`."""
    configuration = {"XDG_CONFIG_HOME": str(work.out), "MAREY_HOME": str(work.out / "no stack")}

    def marey_(*words: object, key: str | None = None) -> str:
        runner = CliRunner(env={**configuration, "MAREY_API_KEY": key})
        result = runner.invoke(marey_cli, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return result.stdout

    def made(*words: object) -> dict[str, object]:
        answer: dict[str, object] = json.loads(marey_(*words, "--profile", "admin", "--json"))
        return answer

    url = ("--endpoint-url", work.stack.api_url)
    marey_("configure", "--profile", "admin", *url, key=work.stack.api_key)
    queue = '{"tier": "priority"}'
    project = made("create-project", "--project-name", work.name, "--project-queue", queue)["id"]
    named = ("--pipeline-parameter-set-name", work.name)
    parameter_set = made("create-pipeline-parameter-set", *named)["id"]
    members = ("--project-id", project, "--pipeline-parameter-set-id", parameter_set)
    group = made("create-user-group", "--user-group-name", work.name, *members)["id"]
    email = f"{work.name}@example.org"
    someone = ("--user-name", work.name, "--user-email", email, "--group-id", group)
    user = made("create-user", *someone)["id"]
    key = made("create-api-key", "--user-id", user)["api_key"]
    named = ("--pipeline-name", work.name)
    pipeline = made("create-pipeline", *named, "--pipeline-endpoint", "pose_2d")["id"]
    place = ("--pipeline-id", pipeline, "--pipeline-parameter-set-id", parameter_set)
    value = ("--pipeline-parameters-name", "overlay", "--pipeline-parameters-value", "off")
    made("create-pipeline-parameters", *place, *value)

    marey_("configure", *url, key=str(key))
    input_key = marey_("upload", work.clip).strip()
    job = json.loads(marey_("create-job", input_key, "--pipeline", work.name, "--json"))
    events = [json.loads(line)["job"] for line in marey_("events", job["id"], "--json").splitlines()]
    files = marey_("results", job["id"], "--out", work.out).split()
    assert str(work.out / "squat" / "keypoints.csv") in files
    ended = json.loads(marey_("get-job", job["id"], "--json"))
    return Outcome(
        job=msgspec.convert(ended, marey.Job),
        project_id=int(str(project)),
        statuses=[seen["status"] for seen in (job, *events)],
    )


def with_plain_http(work: Work) -> Outcome:
    """httpx, as any other HTTP client."""

    def connect(key: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=work.stack.api_url, headers=headers, trust_env=False, timeout=DEADLINE_S)

    def made(path: str, **values: object) -> dict[str, object]:
        response = admin.post(path, json=values)
        assert response.status_code == 201, response.text
        body: dict[str, object] = response.json()
        return body

    with connect(work.stack.api_key) as admin:
        project = made("/project", project_name=work.name, project_queue={"tier": "priority"})["id"]
        parameter_set = made("/pipeline_parameter_set", pipeline_parameter_set_name=work.name)["id"]
        places = {"project_id": project, "pipeline_parameter_set_id": parameter_set}
        group = made("/user_group", user_group_name=work.name, **places)["id"]
        email = f"{work.name}@example.org"
        user = made("/user", user_name=work.name, user_email=email, group_id=group)["id"]
        key = made("/api_key", user_id=user)["api_key"]
        pipeline = made("/pipeline", pipeline_name=work.name, pipeline_endpoint="pose_2d")["id"]
        places = {"pipeline_id": pipeline, "pipeline_parameter_set_id": parameter_set}
        value = {"pipeline_parameters_name": "overlay", "pipeline_parameters_value": "off"}
        made("/pipeline_parameters", **places, **value)
    package = work.out / "package.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(work.clip, work.clip.name)
    with connect(str(key)) as http:
        ticket = http.get("/job/upload_handler").json()
        sent = httpx.put(ticket["upload_url"], content=package.read_bytes(), trust_env=False)
        assert sent.status_code == 201
        body = {"job_parameters": {"input": ticket["input_key"]}, "pipeline": work.name}
        job = http.post("/job", json=body, headers={"Idempotency-Key": work.name}).json()
        with http.stream("GET", f"/job/{job['id']}/events") as response:
            lines = [line for line in response.iter_lines() if line.startswith("data: ")]
        jobs = [job, *(json.loads(line.removeprefix("data: "))["job"] for line in lines)]
        for file in http.get(f"/job/{job['id']}/results").json()["items"]:
            target = work.out / "squat" / file["path"].rpartition("/")[2]
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(httpx.get(file["url"], trust_env=False).content)
    return Outcome(
        job=msgspec.convert(jobs[-1], marey.Job),
        project_id=int(str(project)),
        statuses=[seen["status"] for seen in jobs],
    )


@pytest.mark.parametrize("way", [with_client, with_async_client, with_command_line, with_plain_http])
def test_nine_steps_lead_from_nothing_to_poses(
    stack: RunningStack, clip: Path, tmp_path: Path, way: Callable[[Work], Outcome]
) -> None:
    outcome = way(Work(stack=stack, name=way.__name__, clip=clip, out=tmp_path))
    assert outcome.job.status == "completed"
    assert (outcome.job.project_id, outcome.job.tier) == (outcome.project_id, "priority")
    assert (outcome.job.pipeline, outcome.job.job_parameters["overlay"]) == (way.__name__, "off")
    assert (outcome.statuses[0], outcome.statuses[-1]) == ("queued", "completed")
    assert not (tmp_path / "squat" / "overlay.mp4").exists()
    with (tmp_path / "squat" / "keypoints.csv").open() as file:
        frames = {int(row["frame"]) for row in csv.DictReader(file)}
    assert frames == set(range(FRAMES))


def test_analyze_gives_a_table(stack: RunningStack, clip: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with marey.Client(stack.api_url, stack.api_key) as client:
        poses = client.analyze([clip, broken], parameters={"overlay": "off"}, timeout_s=DEADLINE_S)
        assert [video.status for video in poses.videos] == ["completed", "failed"]
        with pytest.raises(marey.JobFailedError, match=r"broken\.mp4: .*\[") as failed:
            client.analyze(broken, timeout_s=DEADLINE_S)
    table = poses.table()
    assert set(table["frame"].to_pylist()) == set(range(FRAMES))
    assert set(table["video"].to_pylist()) == {"squat.mp4"}
    assert "nose_x_px" in table.column_names
    assert failed.value.job_id == poses.job.id + 1


def test_the_examples_of_the_readme_run(
    stack: RunningStack, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sprint.mp4", "jump.mov"):
        shutil.copy(clip, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for variable in ("MAREY_ENDPOINT_URL", "MAREY_API_KEY", "MAREY_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for profile in ("default", "lab"):
        write_profile(os.environ, profile, Profile(endpoint_url=stack.api_url, api_key=stack.api_key))
    readme = (Path(marey.__file__).parents[1] / "README.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    names: dict[str, object] = {}
    for example in examples:
        exec(example, names)
    assert len(examples) == 2
    assert (tmp_path / "results" / "sprint" / "keypoints.csv").exists()
