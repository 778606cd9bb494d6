"""The detector's training loss: YOLOX's dynamic assignment (SimOTA) and its box, objectness and class terms.

Constants are those of Megvii-BaseDetection/YOLOX at 6ddff48 (`yolo_head.py`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trt_build.networks.yolox import anchor_grid, flatten_levels

BOX_WEIGHT = 5.0
CENTRE_RADIUS_CELLS = 1.5
CANDIDATES = 10
IOU_COST = 3.0
CENTRE_COST = 0.5
"""Per cell from the anchor to the middle (RTMDet's soft prior, but linear): of two people one behind another
each gets the anchors on their side, and not those whose box between both happens to fit better."""
IGNORE_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """People of N pictures, G places each."""

    boxes_px: Tensor
    """[N, G, 4] x1 y1 x2 y2."""
    counts: Tensor
    """[N, G] people to find."""
    ignored: Tensor
    """[N, G] people on whom no prediction is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assignment:
    """Which anchors answer for whom."""

    positive: Tensor
    """[N, A]."""
    person: Tensor
    """[N, A] int64, meaningful where positive."""
    iou: Tensor
    """[N, A] overlap of the prediction with its person; 0 elsewhere."""


def corners(boxes: Tensor) -> Tensor:
    """Boxes cx cy w h [..., 4] as x1 y1 x2 y2."""
    half = boxes[..., 2:] / 2
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], -1)


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Overlap [N, G, A] of corner boxes [N, G, 4] and [N, A, 4]."""
    low = torch.maximum(a[:, :, None, :2], b[:, None, :, :2])
    high = torch.minimum(a[:, :, None, 2:], b[:, None, :, 2:])
    return _ratio(low, high, a[:, :, None], b[:, None])


def paired_iou(a: Tensor, b: Tensor) -> Tensor:
    """Overlap [...] of corner boxes [..., 4] one to one."""
    return _ratio(torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:]), a, b)


def _ratio(low: Tensor, high: Tensor, a: Tensor, b: Tensor) -> Tensor:
    shared, area_a, area_b = (_area(low, high), *(_area(box[..., :2], box[..., 2:]) for box in (a, b)))
    return shared / (area_a + area_b - shared).clamp(min=1e-6)


def _area(low: Tensor, high: Tensor) -> Tensor:
    width, height = (high - low).clamp(min=0).unbind(-1)
    return width * height


def assign(
    predicted: Tensor, score_logits: Tensor, truth: Truth, centres: Tensor, strides: Tensor
) -> Assignment:
    """SimOTA over all pictures at once.

    predicted [N, A, 4] corner boxes, score_logits [N, A, 2] objectness and class, centres [A, 2] and
    strides [A, 1] of the anchors in pixels. Of people one behind another the easier one would get all the
    anchors that both want: who got fewer than they wanted choose once more, among those that are free.
    """
    with torch.no_grad():
        iou = pairwise_iou(truth.boxes_px, predicted)
        middle = (truth.boxes_px[..., :2] + truth.boxes_px[..., 2:]) / 2
        offset = (centres - middle[:, :, None]).abs() / strides
        allowed = (offset.amax(-1) < CENTRE_RADIUS_CELLS) & truth.counts[..., None]
        joint = (score_logits[..., 0].sigmoid() * score_logits[..., 1].sigmoid()).sqrt().clamp(1e-6, 1 - 1e-6)
        cost = -joint.log()[:, None] - IOU_COST * (iou + 1e-8).log()
        cost = cost + CENTRE_COST * offset.norm(dim=-1)
        candidates = torch.where(allowed, iou, 0).topk(CANDIDATES, dim=-1).values
        wanted = candidates.sum(-1).int().clamp(min=1)
        won = _won(cost, allowed, wanted)
        won |= _won(cost, allowed & ~won.any(1, keepdim=True), wanted - won.sum(-1))
        person, positive = won.int().argmax(1), won.any(1)
        own = iou.gather(1, person[:, None])[:, 0]
        return Assignment(positive=positive, person=person, iou=torch.where(positive, own, 0))


def _won(cost: Tensor, allowed: Tensor, wanted: Tensor) -> Tensor:
    """Each one's `wanted` [N, G] cheapest of the allowed anchors [N, G, A]; the cheapest claim gets it."""
    cheapest = torch.where(allowed, cost, float("inf")).topk(CANDIDATES, dim=-1, largest=False).indices
    rank = torch.arange(CANDIDATES, device=cost.device)
    chosen = torch.zeros_like(allowed).scatter_(-1, cheapest, rank < wanted[..., None]) & allowed
    lowest = torch.where(chosen, cost, float("inf")).argmin(1, keepdim=True)
    return chosen & torch.zeros_like(chosen).scatter_(1, lowest, True)


def detector_loss(levels: tuple[Tensor, ...], truth: Truth, with_l1: bool) -> dict[str, Tensor]:
    """Loss terms of raw levels [N, 6, H/s, W/s]; `total` is their weighted sum, per positive anchor."""
    side = (levels[0].shape[2] * 8, levels[0].shape[3] * 8)
    raw = flatten_levels(levels).float()
    cells, strides = (part.to(raw.device) for part in anchor_grid(side))
    sizes = raw[..., 2:4].clamp(max=8).exp()
    predicted = corners(torch.cat([(raw[..., :2] + cells) * strides, sizes * strides], -1))
    found = assign(predicted.detach(), raw[..., 4:6].detach(), truth, (cells + 0.5) * strides, strides)
    count = found.positive.sum().clamp(min=1)
    target = truth.boxes_px.gather(1, found.person[..., None].expand(-1, -1, 4))
    share = found.positive.float()
    iou = paired_iou(predicted, target)
    terms = {
        "box": BOX_WEIGHT * ((1 - iou**2) * share).sum() / count,
        "objectness": _objectness(raw[..., 4], predicted.detach(), found, truth) / count,
        "class": _class_term(raw[..., 5], found, share) / count,
    }
    if with_l1:
        terms["l1"] = (_l1(raw[..., :4], target, cells, strides) * share).sum() / count
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms


def _objectness(logits: Tensor, predicted: Tensor, found: Assignment, truth: Truth) -> Tensor:
    """Objectness over all anchors but those that lie on people who are not asked for."""
    overlap = pairwise_iou(truth.boxes_px, predicted)
    on_ignored = ((overlap > IGNORE_IOU) & truth.ignored[..., None]).any(1) & ~found.positive
    loss = functional.binary_cross_entropy_with_logits(logits, found.positive.float(), reduction="none")
    return (loss * ~on_ignored).sum()


def _class_term(logits: Tensor, found: Assignment, share: Tensor) -> Tensor:
    loss = functional.binary_cross_entropy_with_logits(logits, found.iou.clamp(0, 1), reduction="none")
    return (loss * share).sum()


def _l1(raw: Tensor, target: Tensor, cells: Tensor, strides: Tensor) -> Tensor:
    middle, size = (target[..., :2] + target[..., 2:]) / 2, target[..., 2:] - target[..., :2]
    wanted = torch.cat([middle / strides - cells, (size / strides).clamp(min=1e-3).log()], -1)
    return (raw - wanted).abs().sum(-1)
