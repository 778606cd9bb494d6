"""A video into a job over gRPC, and its poses while they are made.

    MAREY_API_KEY=mry_... python examples/grpc/stream_poses.py 127.0.0.1:8081 examples/clips/squat.mp4

Needs `marey[grpc]`, the generated code of `marey.v1`. `marey up` says the address, and its home has a key in
`api-key`.
"""

import argparse
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import grpc
from marey.v1.jobs_pb2 import JobSpec, SubmitJobRequest, WatchJobRequest
from marey.v1.jobs_pb2_grpc import JobServiceStub
from marey.v1.poses_pb2 import StreamPosesRequest
from marey.v1.poses_pb2_grpc import PoseServiceStub

CHUNK_BYTES = 256 << 10
TIMEOUT_S = 600
"""Every call needs a deadline."""


def main() -> None:
    """Print a line per frame."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address", help="host:port of the gRPC server")
    parser.add_argument("video", type=Path)
    options = parser.parse_args()
    key = (("authorization", f"Bearer {os.environ['MAREY_API_KEY']}"),)
    with grpc.insecure_channel(options.address) as channel:
        jobs = JobServiceStub(channel)
        job = jobs.SubmitJob(package_of(options.video), timeout=TIMEOUT_S, metadata=key).job
        states = jobs.WatchJob(WatchJobRequest(job_id=job.id), timeout=TIMEOUT_S, metadata=key)
        video = next(video for state in states for video in state.videos)
        states.cancel()
        request = StreamPosesRequest(video_id=video.id)
        for part in PoseServiceStub(channel).StreamPoses(request, timeout=TIMEOUT_S, metadata=key):
            for frame in part.frames.frames:
                print(f"{frame.pts_ns / 1e9:8.3f} s  {len(frame.people)} people")


def package_of(video: Path) -> Iterator[SubmitJobRequest]:
    """The requests that bring a zip with one video. Its size comes first: only a whole one counts."""
    with tempfile.TemporaryFile() as package:
        with zipfile.ZipFile(package, "w") as archive:
            archive.write(video, video.name)
        yield SubmitJobRequest(job=JobSpec(package_bytes=package.tell()))
        package.seek(0)
        while chunk := package.read(CHUNK_BYTES):
            yield SubmitJobRequest(package_chunk=chunk)


if __name__ == "__main__":
    main()
