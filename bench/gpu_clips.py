"""Videos for the GPU measurement: short clips, repeated without encoding them again."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av


def repeat_clip(source: Path, times: int, target: Path) -> int:
    """Write the packets of `source` so many times in a row to `target`; returns the number of frames."""
    frames = 0
    with av.open(str(target), "w") as output:
        stream = None
        for turn in range(times):
            with av.open(str(source)) as clip:
                video = clip.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                length = round(1 / (Fraction(video.guessed_rate or 0) * Fraction(video.time_base or 1)))
                for packet in clip.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    shift = turn * video.frames * length
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    output.mux(packet)
                    frames += 1
    return frames


def long_clips(clips: Sequence[Path], count: int, times: int, folder: Path) -> dict[Path, int]:
    """`count` videos of `times` repetitions each, and their frames."""
    folder.mkdir(parents=True, exist_ok=True)
    videos = {}
    for number in range(count):
        clip = clips[number % len(clips)]
        target = folder / f"{number:02d}_{clip.stem}.mp4"
        videos[target] = repeat_clip(clip, times, target)
    return videos
