"""How fast each CPU runtime runs the shipped networks: pictures per second, best of interleaved rounds.

    python -m bench.cpu_runtimes [--rounds 8] [--json bench/results/cpu_runtimes.json]

Compared are ONNX Runtime and OpenVINO, fp32, bf16 (where the processor has it) and int8, for batches of 1, 4
and 8, with one thread, two threads, and two instances of one thread each. Where a network has no int8 file,
one is made with made-up calibration pictures: right for speed, useless for accuracy, and marked so. Run it on
a quiet machine; the load at the start is recorded.
"""

import argparse
import datetime
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnxruntime
import openvino
from numpy.typing import NDArray

from trt_build.quantise import quantise

ROOT = Path(__file__).parents[1]
NETWORKS = {"yolo": "images", "hrnet": "crops"}
BATCHES = (1, 4, 8)
LAYOUTS = ((1, 1), (1, 2), (2, 1))
"""Instances, and threads of each."""

Pixels = NDArray[np.uint8]
Run = Callable[[Pixels], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to run one network."""

    network: str
    runtime: str
    precision: str
    instances: int
    threads: int
    runs: list[Run]
    best_s: dict[int, float] = field(default_factory=dict)
    """Per batch size: shortest time in which every instance ran one batch."""
    best_cpu_s: dict[int, float] = field(default_factory=dict)
    """The same, in processor time of all threads: it hardly feels what else the machine does."""

    def rates(self, best_s: dict[int, float]) -> dict[str, float]:
        """Pictures per second of all instances together, by batch size."""
        return {str(batch): round(self.instances * batch / best, 1) for batch, best in best_s.items()}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the results."""

    network: str
    runtime: str
    precision: str
    instances: int
    threads: int
    pictures_per_s: dict[str, float]
    pictures_per_cpu_s: dict[str, float]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to the JSON file."""

    date: str
    processor: str
    instruction_sets: list[str]
    load_average: float
    """Processes that wanted a core in the minute before."""
    versions: dict[str, str]
    int8_of_made_up_calibration: list[str]
    rows: list[Row]


def pictures(input_hw: tuple[int, int], count: int) -> Pixels:
    """Smooth random pictures [N, H, W, 3]."""
    generator = np.random.default_rng(1)
    small = generator.integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)
    size = (input_hw[1], input_hw[0])
    return np.stack([np.asarray(cv2.resize(each, size), np.uint8) for each in small])


def onnxruntime_run(path: Path, threads: int) -> Run:
    """A session of ONNX Runtime with so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})


def openvino_run(path: Path, threads: int, precision: str) -> Run:
    """A compiled model of OpenVINO with so many threads."""
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
    }
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    return lambda batch: request.infer([batch])


def variants(network: str, files: dict[str, Path], precisions: list[str]) -> Iterator[Variant]:
    """Every variant of one network."""
    for instances, threads in LAYOUTS:
        for precision in precisions:
            path = files["int8" if precision == "int8" else "fp32"]
            runs = {"openvino": [openvino_run(path, threads, precision) for _ in range(instances)]}
            if precision != "bf16":
                runs["onnxruntime"] = [onnxruntime_run(path, threads) for _ in range(instances)]
            for runtime, ready in runs.items():
                yield Variant(
                    network=network,
                    runtime=runtime,
                    precision=precision,
                    instances=instances,
                    threads=threads,
                    runs=ready,
                )


def time_round(variant: Variant, batch: Pixels, pool: ThreadPoolExecutor) -> None:
    """Let every instance run `batch` at once; keep the time if it is the best so far."""
    start, cpu_start = time.perf_counter(), time.process_time()
    if variant.instances == 1:
        variant.runs[0](batch)
    else:
        list(pool.map(lambda run: run(batch), variant.runs))
    elapsed, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    count = len(batch)
    variant.best_s[count] = min(elapsed, variant.best_s.get(count, float("inf")))
    variant.best_cpu_s[count] = min(cpu, variant.best_cpu_s.get(count, float("inf")))


def measure(network: str, files: dict[str, Path], precisions: list[str], rounds: int) -> list[Row]:
    """Rows of one network; the first round warms up and counts too, since only the best is kept."""
    shape = onnxruntime.InferenceSession(str(files["fp32"])).get_inputs()[0].shape
    inputs = {count: pictures((shape[1], shape[2]), count) for count in BATCHES}
    measured = list(variants(network, files, precisions))
    with ThreadPoolExecutor(max_workers=max(instances for instances, _ in LAYOUTS)) as pool:
        for _ in range(rounds):
            for batch in inputs.values():
                for variant in measured:
                    time_round(variant, batch, pool)
    return [
        Row(
            network=each.network,
            runtime=each.runtime,
            precision=each.precision,
            instances=each.instances,
            threads=each.threads,
            pictures_per_s=each.rates(each.best_s),
            pictures_per_cpu_s=each.rates(each.best_cpu_s),
        )
        for each in measured
    ]


def network_files(network: str, scratch: Path) -> tuple[dict[str, Path], bool]:
    """The fp32 and int8 files of a network, and whether the int8 one was made here for its speed only."""
    folder = ROOT / "model_repository" / network / "1"
    source, shipped = folder / "model.onnx", folder / "model.int8.onnx"
    if shipped.exists():
        return {"fp32": source, "int8": shipped}, False
    shape = onnxruntime.InferenceSession(str(source)).get_inputs()[0].shape
    made = scratch / f"{network}.int8.onnx"
    quantise(source, made, [pictures((shape[1], shape[2]), 4)])
    return {"fp32": source, "int8": made}, True


def processor() -> str:
    """The processor as Linux names it, and how many of its cores there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def instruction_sets() -> list[str]:
    """What of the processor decides the choice of a runtime."""
    flags = set(Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split())
    return [
        name
        for name in ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8")
        if name in flags
    ]


def run(rounds: int) -> Report:
    """Measure all networks on this machine."""
    with_bf16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    load_average = os.getloadavg()[0]
    precisions = ["fp32", *(["bf16"] if with_bf16 else []), "int8"]
    rows: list[Row] = []
    made_up: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for network in NETWORKS:
            files, made_here = network_files(network, Path(scratch))
            rows += measure(network, files, precisions, rounds)
            made_up += [network] if made_here else []
    return Report(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        processor=processor(),
        instruction_sets=instruction_sets(),
        load_average=round(load_average, 1),
        versions={"onnxruntime": onnxruntime.__version__, "openvino": openvino.__version__.partition("-")[0]},
        int8_of_made_up_calibration=made_up,
        rows=rows,
    )


def table(report: Report) -> str:
    """The rows as Markdown, per second of time and per second of processor time."""
    lines = [
        "| network | runtime | precision | instances x threads | batch 1, 4, 8: per s | per CPU second |",
        "|---|---|---|---|---|---|",
    ]
    for row in report.rows:
        wall, cpu = (
            ", ".join(f"{rate:.0f}" for rate in rates.values())
            for rates in (row.pictures_per_s, row.pictures_per_cpu_s)
        )
        layout = f"{row.instances} x {row.threads}"
        lines.append(f"| {row.network} | {row.runtime} | {row.precision} | {layout} | {wall} | {cpu} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--json", type=Path, default=ROOT / "bench" / "results" / "cpu_runtimes.json")
    arguments = parser.parse_args()
    report = run(arguments.rounds)
    arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    print(f"{report.processor} ({', '.join(report.instruction_sets)}), {report.date}: pictures/s\n")
    print(table(report))


if __name__ == "__main__":
    main()
