"""Triton comes back with other networks in the middle of a job: no video mixes the poses of both."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from core.networks import Networks
from orchestrator.pose_files import decode_networks
from tests.faults.cluster import Cluster
from tests.faults.invariants import check, outcome
from tests.faults.jobs import Subject, ended, frames_done, submit
from tests.faults.services import networks_folder
from tests.services.waiting import until

pytestmark = pytest.mark.timeout(180)


def test_each_video_has_one_set_of_networks(subject: Subject) -> None:
    """Beside a job under way, one before and one after the exchange show what either set computes."""
    cluster = subject.cluster
    hrnet = networks_folder(cluster.layout) / "hrnet" / "1" / "model.onnx"
    own = hrnet.read_bytes()
    job_id = submit(cluster, subject.package)
    until(lambda: frames_done(cluster, job_id) > 8, 60)
    try:
        cluster.kill("triton", before_start=lambda: dim(hrnet))
        exchanged = ended(cluster, job_id)
        other_id = submit(cluster, subject.package)
        check(cluster, ended(cluster, other_id), outcome(cluster, other_id))
        computed = {
            "before": subject.expected.tables,
            "after": outcome(cluster, other_id).tables,
        }
        by_video = networks_by_video(cluster, job_id)
        new = networks_by_video(cluster, other_id)
        assert new["a.mp4"] == new["b.mp4"]
    finally:
        cluster.kill("triton", before_start=lambda: restore(hrnet, own))
    check(cluster, exchanged, outcome(cluster, job_id))
    tables = outcome(cluster, job_id).tables
    for name, networks in by_video.items():
        assert tables[name] == computed["after" if networks == new[name] else "before"][name]
    assert new["a.mp4"] in by_video.values(), "nothing was left for the other networks"


def networks_by_video(cluster: Cluster, job_id: int) -> Mapping[str, Networks]:
    """By the name of each video of a job; every file of its poses must say the same as its row."""
    rows = cluster.sql(
        "SELECT v.video_name, v.networks::text AS networks, b.results_path FROM video v "
        "JOIN frame_batch b ON b.video_id = v.id WHERE v.job_id = $1",
        job_id,
    )
    found: dict[str, Networks] = {}
    for row in rows:
        networks = decode_networks(cluster.objects.read(row["results_path"]))
        assert found.setdefault(row["video_name"], networks) == networks
    return found


def dim(network: Path) -> None:
    """The network's answers become a little smaller, so that every confidence tells which one computed it."""
    model = onnx.load(network)
    for weights in model.graph.initializer:
        dimmed = numpy_helper.to_array(weights) * np.float32(0.9)
        weights.CopyFrom(numpy_helper.from_array(dimmed, weights.name))
    onnx.save(model, network)


def restore(network: Path, content: bytes) -> None:
    """As it was."""
    network.write_bytes(content)
