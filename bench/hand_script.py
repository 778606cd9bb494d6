"""The script that a user would write without Marey: one process, OpenCV, ONNX Runtime, a batch of one.

    python bench/hand_script.py OUT VIDEO...

It uses the same ONNX files as the service and writes the same outputs (keypoints.csv, keypoints.parquet,
overlay.mp4), so that `bench/cpu.py` can compare the two. It imports nothing of Marey's on purpose.
"""

import csv
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

MODELS = Path(__file__).parents[1] / "model_repository"
SCORE_THRESHOLD, NMS_THRESHOLD, MAX_PEOPLE = 0.25, 0.45, 16
CROP_W, CROP_H = 192, 256
BONES = (
    (0, 1), (0, 2), (1, 3), (2, 4), (17, 18), (18, 5), (18, 6), (5, 7), (7, 9), (6, 8), (8, 10),
    (18, 19), (19, 11), (19, 12), (11, 13), (13, 15), (12, 14), (14, 16), (15, 20), (15, 22),
    (15, 24), (16, 21), (16, 23), (16, 25),
)  # fmt: skip


def detect(session: onnxruntime.InferenceSession, image: Image) -> Floats:
    """Boxes [M, 5] x1 y1 x2 y2 score of the people in an RGB image."""
    height, width = session.get_inputs()[0].shape[1:3]
    scale = min(height / image.shape[0], width / image.shape[1])
    canvas = np.full((1, height, width, 3), 114, np.uint8)
    resized = cv2.resize(image, (int(image.shape[1] * scale), int(image.shape[0] * scale)))
    canvas[0, : resized.shape[0], : resized.shape[1]] = resized
    found = session.run(None, {"images": canvas})[0][0]
    found = found[found[:, 4] >= SCORE_THRESHOLD]
    corners = found[:, :2] - found[:, 2:4] / 2
    xywh = np.concatenate([corners, found[:, 2:4]], axis=1) / scale
    order = cv2.dnn.NMSBoxes(xywh.tolist(), found[:, 4].tolist(), SCORE_THRESHOLD, NMS_THRESHOLD)
    kept = np.asarray(order, int)[:MAX_PEOPLE]
    boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:], found[:, 4:]], axis=1)
    return boxes[kept]


def estimate_pose(session: onnxruntime.InferenceSession, image: Image, box: Floats) -> Floats:
    """Keypoints [K, 3] x y confidence of one person."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = max(width / CROP_W, height / CROP_H) * 1.25
    centre = (box[:2] + box[2:4]) / 2
    to_crop = np.array(
        [[1 / scale, 0, CROP_W / 2 - centre[0] / scale], [0, 1 / scale, CROP_H / 2 - centre[1] / scale]]
    )
    crop = cv2.warpAffine(image, to_crop, (CROP_W, CROP_H), flags=cv2.INTER_LINEAR)
    heatmaps = session.run(None, {"crops": crop[None]})[0][0]
    keypoints = np.empty((len(heatmaps), 3))
    for joint, heatmap in enumerate(heatmaps):
        y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
        keypoints[joint, 2] = heatmap[y, x]
        dx = dy = 0.0
        if 1 < x < heatmap.shape[1] - 1 and 1 < y < heatmap.shape[0] - 1:
            dx = np.sign(heatmap[y, x + 1] - heatmap[y, x - 1]) * 0.25
            dy = np.sign(heatmap[y + 1, x] - heatmap[y - 1, x]) * 0.25
        keypoints[joint, :2] = np.array([x + dx, y + dy]) * 4
    keypoints[:, :2] = (keypoints[:, :2] - [CROP_W / 2, CROP_H / 2]) * scale + centre
    return keypoints


def draw(image: Image, boxes: Floats, poses: list[Floats]) -> None:
    """Boxes and skeletons into the image."""
    for box, pose in zip(boxes, poses, strict=True):
        x1, y1, x2, y2 = box[:4].astype(int)
        cv2.rectangle(image, (x1, y1), (x2, y2), (255, 255, 255), 1, cv2.LINE_AA)
        points = pose[:, :2].astype(int)
        for a, b in BONES:
            cv2.line(image, points[a].tolist(), points[b].tolist(), (0, 200, 255), 3, cv2.LINE_AA)
        for point in points:
            cv2.circle(image, point.tolist(), 4, (255, 80, 0), -1, cv2.LINE_AA)


def open_overlay(
    path: Path, capture: cv2.VideoCapture
) -> tuple[av.container.OutputContainer, av.VideoStream]:
    """An H.264 file of the capture's size and rate."""
    output = av.open(str(path), "w")
    rate = Fraction(capture.get(cv2.CAP_PROP_FPS)).limit_denominator(1001)
    stream = output.add_stream("libx264", rate=rate, options={"preset": "superfast", "crf": "24"})
    stream.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    stream.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    stream.pix_fmt = "yuv420p"
    return output, stream


def process(
    path: Path, out: Path, detector: onnxruntime.InferenceSession, pose: onnxruntime.InferenceSession
) -> int:
    """One video -> its files in `out`; returns the number of frames."""
    out.mkdir(parents=True, exist_ok=True)
    capture = cv2.VideoCapture(str(path))
    output, stream = open_overlay(out / "overlay.mp4", capture)
    rows: list[list[float]] = []
    frame = 0
    while True:
        time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        ok, bgr = capture.read()
        if not ok:
            break
        image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        boxes = detect(detector, image)
        poses = [estimate_pose(pose, image, box) for box in boxes]
        for person, (box, keypoints) in enumerate(zip(boxes, poses, strict=True)):
            rows.append([frame, time_s, person, *box, *keypoints.ravel()])
        draw(image, boxes, poses)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        frame += 1
    output.mux(stream.encode(None))
    output.close()
    write_tables(out, path.name, rows)
    return frame


def write_tables(out: Path, name: str, rows: list[list[float]]) -> None:
    """The same rows as CSV and as Parquet."""
    joints = (len(rows[0]) - 8) // 3 if rows else 0
    header = ["frame", "time_s", "person", "x1", "y1", "x2", "y2", "score"]
    header += [f"joint{j}_{axis}" for j in range(joints) for axis in ("x_px", "y_px", "confidence")]
    with (out / "keypoints.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["video", *header])
        writer.writerows([name, *(f"{value:.3f}" for value in row)] for row in rows)
    columns = zip(*rows, strict=True) if rows else [[] for _ in header]
    pq.write_table(pa.table(dict(zip(header, columns, strict=True))), out / "keypoints.parquet")


def main() -> None:
    """Process the videos named on the command line and print the rate."""
    out, videos = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    detector, pose = (
        onnxruntime.InferenceSession(MODELS / name / "1" / "model.onnx", providers=["CPUExecutionProvider"])
        for name in ("yolo", "hrnet")
    )
    start_s = time.perf_counter()
    frames = sum(process(video, out / video.stem, detector, pose) for video in videos)
    seconds = time.perf_counter() - start_s
    print(f"{frames} frames in {seconds:.2f} s: {frames / seconds:.2f} frames/s")


if __name__ == "__main__":
    main()
