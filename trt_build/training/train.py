"""Train a shipped network on people drawn on the spot.

`python -m trt_build.training.train detector --help` lists the options.
"""

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from torch import Tensor, nn

from trt_build.networks.hrnet import HRNET_VARIANTS, HrnetSpec
from trt_build.networks.shipped import SHIPPED_DETECTOR, SHIPPED_POSE
from trt_build.networks.yolox import YOLOX_VARIANTS, YoloxSpec
from trt_build.training.checkpoints import load_weights, save_weights, widened
from trt_build.training.draws import Draws
from trt_build.training.feed import Diet
from trt_build.training.footage_stream import FootageSupply
from trt_build.training.mesh_pack import load_arrays, mesh_pack
from trt_build.training.meshes import Cast
from trt_build.training.pack_cast import PackCast
from trt_build.training.procedural_cast import ProceduralCast
from trt_build.training.schedule import Average, Clock, learning_rate
from trt_build.training.shapes import Shapes
from trt_build.training.tasks import DetectorTask, Figures, PoseTask, Task

HELD_OUT_SEED = 77_000_003
"""Added to the seed for the stream that scores the network; never used for training."""
LARGEST_GRADIENT = 10.0
_OF_THE_DIET = (
    "resolution", "fresh", "ahead", "memory", "spoilt_share", "recoloured_share", "peak_weight", "compiled",
)  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run."""

    task: str
    network: str
    pack: Path
    out: Path
    minutes: float
    pictures: int
    batch: int
    seed: int
    shapes: int
    athletes: int
    score_batches: int
    diet: Diet
    threads: int
    decay: float
    lr_scale: float
    start: Path | None
    frozen_statistics: bool
    log_every: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = _parse(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    settings.out.mkdir(parents=True, exist_ok=True)
    clock = Clock(settings.minutes * 60)
    task = _task(settings, device)
    if settings.start:
        task.network.load_state_dict(widened(load_weights(settings.start), task.network.state_dict()))
    if settings.frozen_statistics:
        freeze_statistics(task.network)
    save_preview(task.preview(16, Draws(settings.seed, device)), settings.out / f"{settings.task}.png")
    _train(task, settings, clock, device)


def _parse(arguments: Sequence[str] | None) -> Settings:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("detector", "pose"))
    parser.add_argument("--network", default="shipped", help="or yolox_s, hrnet_w32_256x192, ...")
    parser.add_argument("--pack", type=Path, required=True, help="folder with body.npz and motions.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, log and a preview")
    parser.add_argument("--minutes", type=float, default=9.0, help="wall clock, preparation included")
    parser.add_argument("--pictures", type=int, default=0, help="stop after so many; 0: by the clock alone")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shapes", type=int, default=256, help="bodies sampled from the mesh pack")
    parser.add_argument("--athletes", type=int, default=6144, help="procedural bodies, each in one pose")
    parser.add_argument("--decay", type=float, default=0.9995, help="of the weights' moving average")
    parser.add_argument("--lr-scale", type=float, default=1.0)
    parser.add_argument("--start", type=Path, default=None, help="weights to go on from")
    parser.add_argument(
        "--frozen-statistics", action="store_true", help="normalise by the statistics of --start, as served"
    )
    parser.add_argument("--log-every", type=int, default=100, help="steps between lines of the log")
    parser.add_argument("--score-batches", type=int, default=6, help="held-out batches")
    parser.add_argument("--resolution", type=float, default=1.0, help="picture size over the network's own")
    parser.add_argument("--fresh", type=int, default=0, help="pictures drawn anew per step; 0: all")
    parser.add_argument("--ahead", type=int, default=1, help="batches drawn at once, if all are fresh")
    parser.add_argument("--memory", type=int, default=0, help="pictures kept to be seen again")
    parser.add_argument("--spoilt-share", type=float, default=1.0, help="pictures blurred, noisy, compressed")
    parser.add_argument("--peak-weight", type=float, default=0.0, help="pose: extra weight of joints' places")
    parser.add_argument("--recoloured-share", type=float, default=0.0, help="pictures in other colours")
    parser.add_argument("--compiled", action="store_true", help="steps run through torch.compile")
    parser.add_argument("--footage-share", type=float, default=0.0, help="of each batch: rendered clips")
    parser.add_argument("--footage-workers", type=int, default=0, help="processes that render them")
    parser.add_argument("--footage-memory", type=int, default=20_000, help="pictures of them kept")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: PyTorch's choice")
    values = vars(parser.parse_args(arguments))
    supply = {part: values.pop(f"footage_{part}") for part in ("share", "workers", "memory")}
    diet = Diet(**{name: values.pop(name) for name in _OF_THE_DIET}, footage=FootageSupply(**supply))
    return Settings(diet=diet, **values)


def _task(settings: Settings, device: torch.device) -> Task:
    casts, diet, seed = _casts(settings, device), settings.diet, settings.seed
    if settings.task == "detector":
        return DetectorTask(detector_spec(settings.network), casts, device, diet, seed)
    return PoseTask(pose_spec(settings.network), casts, device, diet, seed)


def detector_spec(name: str) -> YoloxSpec:
    """The shipped detector, or an official one that finds nothing but people."""
    return SHIPPED_DETECTOR if name == "shipped" else replace(YOLOX_VARIANTS[name], num_classes=1)


def pose_spec(name: str) -> HrnetSpec:
    """The shipped pose network, or an official one with the shipped one's joints."""
    return SHIPPED_POSE if name == "shipped" else replace(HRNET_VARIANTS[name], joints=SHIPPED_POSE.joints)


def _casts(settings: Settings, device: torch.device) -> tuple[Cast, ...]:
    draws = Draws(settings.seed + 1000, device)
    body, motions = load_arrays(settings.pack)
    pack = mesh_pack(body, motions, device)
    bank = Shapes(body, motions, pack).sample(settings.shapes, draws)
    return PackCast(pack, bank), ProceduralCast(settings.athletes, settings.seed + 1000, device)


def _train(task: Task, settings: Settings, clock: Clock, device: torch.device) -> None:
    """Train until the clock runs out; every line of the log is also a line of JSON in the output folder."""
    network, draws = task.network, Draws(settings.seed, device)
    average = Average(network, settings.decay)
    peak = task.peak_lr * settings.lr_scale
    optimiser = torch.optim.AdamW(_groups(network, task.weight_decay), lr=peak, fused=device.type == "cuda")
    step, steps_s, weights = 0, clock.elapsed_s, settings.out / f"{settings.task}.npz"
    with (settings.out / f"{settings.task}.jsonl").open("w") as lines:
        while (progress := _progress(step, settings, clock)) < 1:
            lr = learning_rate(progress, peak)
            for group in optimiser.param_groups:
                group["lr"] = lr
            terms = _step(task, optimiser, settings.batch, draws, progress)
            average.update(network)
            step += 1
            if step % settings.log_every == 0:
                rate = settings.batch * step / (clock.elapsed_s - steps_s)
                _record(lines, _line(step, clock.elapsed_s, lr, rate, terms))
                save_weights(average.network.state_dict(), weights)
        scores = score(task, average.network, settings, device)
        _record(lines, {"step": step, "pictures": step * settings.batch, "held_out": scores})
    save_weights(average.network.state_dict(), weights)


def _progress(step: int, settings: Settings, clock: Clock) -> float:
    """Share of the training done: by pictures if they are limited, and never past the clock."""
    if not settings.pictures:
        return clock.progress
    return 1.0 if clock.progress >= 1 else step * settings.batch / settings.pictures


def _groups(network: nn.Module, decay: float) -> list[dict[str, object]]:
    """Weight decay for convolutions only."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _step(
    task: Task, optimiser: torch.optim.Optimizer, batch: int, draws: Draws, progress: float
) -> dict[str, Tensor]:
    terms = task.loss(batch, draws, progress)
    optimiser.zero_grad(set_to_none=True)
    terms["total"].backward()
    nn.utils.clip_grad_norm_(task.network.parameters(), LARGEST_GRADIENT)
    optimiser.step()
    return terms


def score(task: Task, network: nn.Module, settings: Settings, device: torch.device) -> Figures:
    """Figures of `network` on the held-out stream."""
    draws = Draws(settings.seed + HELD_OUT_SEED, device)
    sums: Figures = {}
    for _ in range(settings.score_batches):
        for name, value in task.score(network, settings.batch, draws).items():
            sums[name] = sums.get(name, 0.0) + value
    return {name: round(value, 4) for name, value in task.summary(sums).items()}


def _line(step: int, seconds: float, lr: float, rate: float, terms: dict[str, Tensor]) -> dict[str, object]:
    losses = {name: float(f"{value.item():.4g}") for name, value in terms.items()}
    return {
        "step": step, "seconds": round(seconds, 1), "lr": float(f"{lr:.3g}"),
        "pictures_per_s": round(rate), **losses,
    }  # fmt: skip


def _record(lines: TextIO, line: dict[str, object]) -> None:
    text = json.dumps(line)
    log.info(text)
    lines.write(text + "\n")
    lines.flush()


def freeze_statistics(network: nn.Module) -> None:
    """Let batch normalisation use its running statistics, as a served network does, and leave them alone.

    Statistics of a batch hide what a single picture does: the mean of a strongly coloured one may grow from
    layer to layer until nothing else is left.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def save_preview(pictures: Tensor, path: Path) -> None:
    """Write pictures [N, 3, h, w], eight to a row, as PNG."""
    import cv2

    tiles = pictures.flip(1).permute(0, 2, 3, 1).cpu().numpy().astype(np.uint8)
    rows = [np.hstack(list(tiles[k : k + 8])) for k in range(0, len(tiles), 8)]
    cv2.imwrite(str(path), np.vstack(rows))


if __name__ == "__main__":
    main()
