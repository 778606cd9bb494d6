"""The Python code of the protocol: `python proto/generate.py` writes `sdk/marey/v1`."""

from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
SDK = PROTO.parent / "sdk"


def generate(target: Path) -> None:
    """Write the messages, their types and the services below `target`."""
    run_protoc(*(f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")))


def run_protoc(*outputs: str) -> None:
    """What `outputs` ask for, of every file of the protocol. Raises RuntimeError."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    includes = f"-I{PROTO}", f"-I{files('grpc_tools') / '_proto'}"
    if protoc.main(["protoc", *includes, *outputs, *sources]) != 0:
        raise RuntimeError("protoc refused the files of proto/")


if __name__ == "__main__":
    generate(SDK)
