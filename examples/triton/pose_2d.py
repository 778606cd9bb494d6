"""People in the frames of a video, by Triton's own client: the server speaks KServe v2 like any other.

    python examples/triton/pose_2d.py 127.0.0.1:8001 examples/clips/squat.mp4 --frames 8 --shared-memory

Needs av, numpy and tritonclient[grpc]; nothing of Marey. `marey up` and `marey triton` say the port.
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

import av
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput, InferResult
from tritonclient.utils import shared_memory

MODEL = "pose_2d"
PADDING = -1
"""Frame of the one row that stands for nobody."""


def main() -> None:
    """Print a line per person."""
    options = read_options()
    frames = read_frames(options.video, options.frames)
    with InferenceServerClient(options.triton) as client:
        detect = detect_in_shared_memory if options.shared_memory else detect_in_body
        print_people(detect(client, frames))


def detect_in_body(client: InferenceServerClient, frames: NDArray[np.uint8]) -> InferResult:
    """People in RGB frames [N, H, W, 3], which travel with the request."""
    tensor = InferInput("frames", list(frames.shape), "UINT8")
    tensor.set_data_from_numpy(frames)
    return client.infer(MODEL, [tensor])


def detect_in_shared_memory(client: InferenceServerClient, frames: NDArray[np.uint8]) -> InferResult:
    """The same for a server on this machine, which reads the frames where they lie."""
    tensor = InferInput("frames", list(frames.shape), "UINT8")
    with shared(client, frames) as region:
        tensor.set_shared_memory(region, frames.nbytes)
        return client.infer(MODEL, [tensor])


@contextmanager
def shared(client: InferenceServerClient, frames: NDArray[np.uint8]) -> Iterator[str]:
    """The name of a region with the frames that the server knows until the end of the block."""
    name = f"example_frames_{os.getpid()}"
    memory = shared_memory.create_shared_memory_region(name, f"/{name}", frames.nbytes)
    try:
        shared_memory.set_shared_memory_region(memory, [frames])
        client.register_system_shared_memory(name, f"/{name}", frames.nbytes)
        try:
            yield name
        finally:
            client.unregister_system_shared_memory(name)
    finally:
        shared_memory.destroy_shared_memory_region(memory)


def print_people(result: InferResult) -> None:
    """Frame, detector's score and first joint (the nose) of each person."""
    frame_index, boxes, keypoints = (result.as_numpy(name) for name in ("frame_index", "boxes", "keypoints"))
    print("frame  score   nose x   nose y  confidence")
    for frame, box, joints in zip(frame_index, boxes, keypoints, strict=True):
        if frame != PADDING:
            x_px, y_px, confidence = joints[0]
            print(f"{frame:5d}  {box[4]:.3f}  {x_px:7.1f}  {y_px:7.1f}  {confidence:.3f}")


def read_frames(path: str, count: int) -> NDArray[np.uint8]:
    """The first frames of a video, RGB [N, H, W, 3]. Not rotated: Marey's own decoder does more."""
    with av.open(path) as container:
        pictures = container.decode(video=0)
        images = [
            picture.to_ndarray(format="rgb24") for picture, _ in zip(pictures, range(count), strict=False)
        ]
    return np.stack(images)


def read_options() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("triton", help="host:port of Triton's gRPC endpoint")
    parser.add_argument("video")
    parser.add_argument("--frames", type=int, default=8, help="how many, at most 8 per request")
    parser.add_argument("--shared-memory", action="store_true", help="the server reads the frames in place")
    return parser.parse_args()


if __name__ == "__main__":
    main()
