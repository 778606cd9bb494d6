"""Videos whose frames cost next to nothing, so that what is measured is the way of the batches."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

SIDE_PX = 64
FRAMES_PER_S = 30


def write_tiny_video(path: Path, frame_count: int, frames_per_run: int) -> None:
    """H.264 of 64x64 px; a keyframe, where a run can start, every `frames_per_run` frames."""
    with av.open(str(path), "w") as writer:
        stream = writer.add_stream("libx264", rate=FRAMES_PER_S, options={"preset": "ultrafast"})
        stream.width = stream.height = SIDE_PX
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = frames_per_run
        stream.codec_context.options = {"sc_threshold": "0", "keyint_min": str(frames_per_run)}
        picture = VideoFrame.from_ndarray(np.full((SIDE_PX, SIDE_PX, 3), 90, np.uint8), "rgb24")
        for index in range(frame_count):
            picture.pts, picture.time_base = index, Fraction(1, FRAMES_PER_S)
            writer.mux(stream.encode(picture))
        writer.mux(stream.encode(None))
