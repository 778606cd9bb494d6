"""What perf_analyzer is asked, and what is read from its answer."""

from pathlib import Path
from xml.etree import ElementTree

import msgspec
import numpy as np
import pytest

from bench.perf import markdown
from bench.perf_analyzer import Point, Sweep, analyzer_command, read_points
from bench.perf_inputs import ROWS_PER_REQUEST, Workload
from bench.perf_plot import plot

TABLE = """Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,\
Server Compute Input,Server Compute Infer,Server Compute Output,Client Recv,\
p50 latency,p90 latency,p95 latency,p99 latency
2,12.5,10,20,1500,30,90000,40,5,100000,120000,130000,140500
1,10,10,20,0,30,80000,40,5,95000,99000,99500,99900
"""
NETWORK = Workload(
    model="yolo", tensor="images", rows=np.zeros((3, 2, 2, 3), np.uint8), is_batching=True, unit="pictures"
)
ENSEMBLE = Workload(
    model="pose_2d",
    tensor="frames",
    rows=np.zeros((2, 4, 2, 2, 3), np.uint8),
    is_batching=False,
    unit="frames",
)


def test_points_are_in_order_and_in_milliseconds() -> None:
    first, second = read_points(TABLE, NETWORK, "system")
    assert (first.concurrency, first.rows_per_s, first.p50_ms) == (1, 10, 95)
    assert (second.queue_ms, second.compute_ms, second.p99_ms) == (1.5, 90, 140.5)


def test_requests_of_whole_tensors_count_as_their_rows() -> None:
    assert read_points(TABLE, ENSEMBLE, "none")[0].rows_per_s == 10 * ROWS_PER_REQUEST


@pytest.mark.parametrize("work", [NETWORK, ENSEMBLE], ids=lambda work: work.model)
def test_rows_of_a_request_are_put_together_by_whoever_batches(work: Workload) -> None:
    command = analyzer_command(
        work, "here:1", Sweep(memory="none", concurrency_max=3, window_ms=100), Path("data.json")
    )
    assert ("-b" in command) == work.is_batching
    assert "--output-shared-memory-size" not in command
    shape = command[command.index("--shape") + 1]
    assert shape == ("images:2,2,3" if work.is_batching else "frames:4,2,2,3")


def test_the_data_has_every_row() -> None:
    document = msgspec.json.decode(NETWORK.data())
    assert [list(element) for element in document["data"]] == [["images"]] * 3
    assert len(document["data"][0]["images"]["b64"]) == 2 * 2 * 3 * 4 // 3


def test_the_plot_is_xml_with_a_line_per_memory_and_model() -> None:
    points: list[Point] = [
        *read_points(TABLE, NETWORK, "none"),
        *read_points(TABLE, NETWORK, "system"),
        *read_points(TABLE, ENSEMBLE, "none"),
    ]
    document = ElementTree.fromstring(plot(points, "a < b"))
    lines = document.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 3
    assert len(markdown(points).splitlines()) == 2 + len(points)
