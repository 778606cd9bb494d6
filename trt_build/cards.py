"""`network.json`: what the weights beside a Triton config are."""

import hashlib
from pathlib import Path

import msgspec

CARD_NAME = "network.json"
VERSION = "1"
"""The only version folder of a network in the model repository."""
ONNX_PATH = Path(VERSION, "model.onnx")
"""In a network's folder."""


class NetworkCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Written beside `config.pbtxt`; `sha256` has one entry per file of the version folder."""

    architecture: str
    input_hw: tuple[int, int]
    trained_on: str
    sha256: dict[str, str]
    skeleton: str | None = None


def write_card(folder: Path, card: NetworkCard) -> None:
    """Write `card` into a network's folder of the model repository."""
    text = msgspec.json.format(msgspec.json.encode(card), indent=2)
    (folder / CARD_NAME).write_bytes(text + b"\n")


def read_card(folder: Path) -> NetworkCard:
    """The card in a network's folder of the model repository."""
    return msgspec.json.decode((folder / CARD_NAME).read_bytes(), type=NetworkCard)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every ONNX file in the version folder of a network."""
    files = sorted((folder / VERSION).glob("*.onnx"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
