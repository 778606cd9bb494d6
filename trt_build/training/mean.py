"""The mean of several trainings' weights: often better than each of them where one went on from the other.

`python -m trt_build.training.mean OUT.npz A.npz B.npz ...` (model soups: Wortsman et al. 2022,
arXiv:2203.05482).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from trt_build.training.checkpoints import load_weights, save_weights


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write the mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("weights", type=Path, nargs="+", help="files that training wrote")
    options = parser.parse_args(arguments)
    save_weights(mean_of([load_weights(path) for path in options.weights]), options.out)


def mean_of(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor of one network's states. Raises KeyError or RuntimeError if they differ."""
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(value.dtype)
        for name, value in states[0].items()
    }


if __name__ == "__main__":
    main()
