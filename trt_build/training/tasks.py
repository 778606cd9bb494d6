"""The two trainings: what a batch is, what the loss is, how good the network is on a held-out stream."""

from collections.abc import Callable
from dataclasses import fields
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from core.skeletons import HALPE_26
from trt_build.evaluation.metrics import match, pairwise_iou
from trt_build.export import IMAGENET_PIXELS
from trt_build.networks.hrnet import Hrnet, HrnetSpec
from trt_build.networks.yolox import Yolox, YoloxSpec, decode, flatten_levels
from trt_build.training.crops import PoseBatch, PoseCrops
from trt_build.training.detector import Truth, corners, detector_loss
from trt_build.training.draws import Draws
from trt_build.training.feed import Diet, Feed, Kitchen
from trt_build.training.footage_stream import Clips, for_detector, for_pose
from trt_build.training.meshes import Cast
from trt_build.training.pose import peaks, pose_loss
from trt_build.training.replay import Rows
from trt_build.training.scenes import PADDING, DetectorBatch, DetectorScenes

SCORE = 0.25
NMS_IOU = 0.45
MATCH_IOU = 0.5
L1_FROM = 0.3
"""Share of the training after which boxes are also pulled in directly."""

Figures = dict[str, float]


class Task(Protocol):
    """One network's training."""

    network: nn.Module
    peak_lr: float
    weight_decay: float

    def loss(self, count: int, draws: Draws, progress: float) -> dict[str, Tensor]:
        """Loss terms on a fresh batch; `total` is to be minimised."""
        ...

    def score(self, network: nn.Module, count: int, draws: Draws) -> Figures:
        """Sums over a fresh batch, for `summary`."""
        ...

    def summary(self, sums: Figures) -> Figures:
        """Shares and means from added-up sums."""
        ...

    def preview(self, count: int, draws: Draws) -> Tensor:
        """Pictures [N, 3, h, w] as the network sees them, 0..255."""
        ...


def _rows(batch: DetectorBatch | PoseBatch) -> Rows:
    return {field.name: getattr(batch, field.name) for field in fields(batch)}


def _half(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")


def _memory_format(device: torch.device) -> torch.memory_format:
    """Channels last pays on tensor cores; on a CPU its depthwise gradients are slow."""
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def mirrored_scenes(batch: DetectorBatch, chosen: Tensor) -> DetectorBatch:
    """The `chosen` [N] of the pictures left to right."""
    width = batch.images.shape[3]
    x1, y1, x2, y2 = batch.boxes_px.unbind(-1)
    boxes = torch.stack([width - x2, y1, width - x1, y2], -1)
    return DetectorBatch(
        images=torch.where(chosen[:, None, None, None], batch.images.flip(3), batch.images),
        boxes_px=torch.where(chosen[:, None, None], boxes, batch.boxes_px),
        counts=batch.counts,
        ignored=batch.ignored,
    )


def mirrored_crops(batch: PoseBatch, chosen: Tensor) -> PoseBatch:
    """The `chosen` [N] of the crops left to right, with left and right joints swapped."""
    order = torch.arange(len(HALPE_26.joints), device=chosen.device)
    for left, right in HALPE_26.mirror_pairs:
        order[left], order[right] = right, left
    joints = batch.joints_px[:, order]
    joints = torch.stack([batch.images.shape[3] - 1 - joints[..., 0], joints[..., 1]], -1)
    return PoseBatch(
        images=torch.where(chosen[:, None, None, None], batch.images.flip(3), batch.images),
        joints_px=torch.where(chosen[:, None, None], joints, batch.joints_px),
        weights=torch.where(chosen[:, None], batch.weights[:, order], batch.weights),
    )


def _steps(network: nn.Module, diet: Diet) -> Callable[[Tensor], object]:
    """The network as training calls it; its weights stay where they are."""
    compiled: Callable[[Tensor], object] = torch.compile(network) if diet.compiled else network
    return compiled


def _scaled(side_px: int, diet: Diet) -> int:
    return round(side_px * diet.resolution / 32) * 32


class DetectorTask:
    """YOLOX on scenes."""

    peak_lr = 3e-3
    weight_decay = 2e-2

    def __init__(
        self, spec: YoloxSpec, casts: tuple[Cast, ...], device: torch.device, diet: Diet, seed: int
    ) -> None:
        network = Yolox(spec)
        network.head.set_prior(0.01)
        self.network: nn.Module = network.to(device, memory_format=_memory_format(device))
        self._device, self._steps = device, _steps(self.network, diet)
        input_hw = _scaled(spec.input_hw[0], diet), _scaled(spec.input_hw[1], diet)
        self._scenes = DetectorScenes(casts, device, input_hw, diet.spoilt_share)
        kitchen = Kitchen(
            draw=lambda count, draws: _rows(self._scenes.batch(count, draws)),
            mirror=lambda rows, chosen: _rows(mirrored_scenes(DetectorBatch(**rows), chosen)),
            clips=Clips(for_detector, input_hw, seed),
            border=PADDING,
        )
        self._feed = Feed(kitchen, diet, device)

    def loss(self, count: int, draws: Draws, progress: float) -> dict[str, Tensor]:
        """YOLOX's terms."""
        batch = DetectorBatch(**self._feed.rows(count, draws))
        truth = Truth(boxes_px=batch.boxes_px, counts=batch.counts, ignored=batch.ignored)
        return detector_loss(self._levels(self._steps, batch.images), truth, with_l1=progress > L1_FROM)

    def _levels(self, network: Callable[[Tensor], object], images: Tensor) -> tuple[Tensor, ...]:
        pixels = images.flip(1).contiguous(memory_format=_memory_format(self._device))
        with _half(self._device):
            return cast(tuple[Tensor, ...], network(pixels))

    def score(self, network: nn.Module, count: int, draws: Draws) -> Figures:
        """Counts of people, detections and true detections."""
        with torch.no_grad():
            batch = self._scenes.batch(count, draws)
            raw = flatten_levels(self._levels(network, batch.images)).float()
            decoded = decode(raw, (batch.images.shape[2], batch.images.shape[3]))
            sums = {"people": 0.0, "found": 0.0, "true": 0.0}
            for k in range(count):
                boxes = _kept(corners(decoded[k, :, :4]), decoded[k, :, 4] * decoded[k, :, 5])
                present = (batch.counts[k] | batch.ignored[k]).cpu().numpy()
                counts = batch.counts[k].cpu().numpy()[present]
                truth = batch.boxes_px[k].cpu().numpy()[present].astype(np.float64)
                result = match(pairwise_iou(truth, boxes), boxes[:, 4], counts, MATCH_IOU)
                sums["people"] += int(counts.sum())
                sums["found"] += int((result != -2).sum())
                sums["true"] += int((result >= 0).sum())
            return sums

    def summary(self, sums: Figures) -> Figures:
        """Recall and precision."""
        return {
            "recall": sums["true"] / max(sums["people"], 1),
            "precision": sums["true"] / max(sums["found"], 1),
        }

    def preview(self, count: int, draws: Draws) -> Tensor:
        """Letterboxed scenes."""
        return self._scenes.batch(count, draws).images


def _kept(boxes: Tensor, scores: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Rows x1 y1 x2 y2 score above SCORE after suppression of overlapping ones."""
    sure = scores > SCORE
    rows = torch.cat([boxes[sure], scores[sure, None]], 1).cpu().numpy().astype(np.float64)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    overlap = pairwise_iou(rows, rows)
    kept: list[int] = []
    for k in range(len(rows)):
        if not kept or overlap[k, kept].max() <= NMS_IOU:
            kept.append(k)
    return rows[kept]


class PoseTask:
    """HRNet on crops."""

    peak_lr = 2e-3
    weight_decay = 1e-4
    pck_share = 0.5

    def __init__(
        self, spec: HrnetSpec, casts: tuple[Cast, ...], device: torch.device, diet: Diet, seed: int
    ) -> None:
        self.network: nn.Module = Hrnet(spec).to(device, memory_format=_memory_format(device))
        self._device, self._diet, self._steps = device, diet, _steps(self.network, diet)
        crop_hw = _scaled(spec.input_hw[0], diet), _scaled(spec.input_hw[1], diet)
        self._crops = PoseCrops(casts, device, crop_hw, diet.spoilt_share)
        kitchen = Kitchen(
            draw=lambda count, draws: _rows(self._crops.batch(count, draws)),
            mirror=lambda rows, chosen: _rows(mirrored_crops(PoseBatch(**rows), chosen)),
            clips=Clips(for_pose, crop_hw, seed),
            border=0.0,
        )
        self._feed = Feed(kitchen, diet, device)
        self._mean = torch.tensor(IMAGENET_PIXELS.mean, device=device)[:, None, None]
        self._std = torch.tensor(IMAGENET_PIXELS.std, device=device)[:, None, None]

    def loss(self, count: int, draws: Draws, progress: float) -> dict[str, Tensor]:
        """Squared error of the heatmaps."""
        del progress
        batch = PoseBatch(**self._feed.rows(count, draws))
        maps = self._heatmaps(self._steps, batch.images)
        return {"total": pose_loss(maps, batch.joints_px, batch.weights, self._diet.peak_weight)}

    def _heatmaps(self, network: Callable[[Tensor], object], images: Tensor) -> Tensor:
        pixels = ((images - self._mean) / self._std).contiguous(memory_format=_memory_format(self._device))
        with _half(self._device):
            return cast(Tensor, network(pixels))

    def score(self, network: nn.Module, count: int, draws: Draws) -> Figures:
        """Counts of seen joints, of those within half a head, and the sum of errors in crop pixels."""
        with torch.no_grad():
            batch = self._crops.batch(count, draws)
            joints, _ = peaks(self._heatmaps(network, batch.images).float())
            error = (joints - batch.joints_px).norm(dim=-1)
            head = (
                batch.joints_px[:, HALPE_26.index("head")] - batch.joints_px[:, HALPE_26.index("neck")]
            ).norm(dim=-1)
            seen = batch.weights == 1
            near = (error < self.pck_share * head.clamp(min=8)[:, None]) & seen
            return {
                "joints": float(seen.sum()),
                "near": float(near.sum()),
                "error": float((error * seen).sum()),
            }

    def summary(self, sums: Figures) -> Figures:
        """PCKh and the mean error."""
        return {
            "pckh": sums["near"] / max(sums["joints"], 1),
            "error_px": sums["error"] / max(sums["joints"], 1),
        }

    def preview(self, count: int, draws: Draws) -> Tensor:
        """Crops."""
        return self._crops.batch(count, draws).images
