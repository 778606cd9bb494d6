"""Shapes of people in the terms of the mesh pack: sliders, and the weights of its shape targets."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeSliders:
    """A person in the pack's terms, all but the height in 0..1."""

    male: float
    age: float
    muscle: float
    weight: float
    race: tuple[float, float, float]
    proportions: float
    stature_m: float


def sample_sliders(rng: np.random.Generator) -> ShapeSliders:
    """Athletic adults."""
    male = rng.uniform(0, 0.15) if rng.random() < 0.5 else rng.uniform(0.85, 1)
    race = rng.dirichlet([0.6] * 3)
    return ShapeSliders(
        male=male,
        age=rng.beta(1, 6),
        muscle=rng.uniform(0.5, 0.95),
        weight=rng.beta(2.5, 4),
        race=(float(race[0]), float(race[1]), float(race[2])),
        proportions=rng.uniform(0.4, 0.95),
        stature_m=float(np.clip(rng.normal(1.67 + 0.13 * male, 0.07), 1.52, 2.0)),
    )


def _thirds(slider: float, names: tuple[str, str, str]) -> dict[str, float]:
    low, high = max(0.0, 1 - 2 * slider), max(0.0, 2 * slider - 1)
    return dict(zip(names, (low, 1 - low - high, high), strict=True))


def target_weights(sliders: ShapeSliders) -> dict[str, float]:
    """Weight of each shape target but those of height, by name."""
    weights: dict[str, float] = {}
    muscles = _thirds(sliders.muscle, ("minmuscle", "averagemuscle", "maxmuscle"))
    masses = _thirds(sliders.weight, ("minweight", "averageweight", "maxweight"))
    kinds = _thirds(sliders.proportions, ("uncommonproportions", "", "idealproportions"))
    for gender, gender_share in (("female", 1 - sliders.male), ("male", sliders.male)):
        for age, age_share in (("young", 1 - sliders.age), ("old", sliders.age)):
            share = gender_share * age_share
            for race, part in zip(("african", "asian", "caucasian"), sliders.race, strict=True):
                weights[f"{race}-{gender}-{age}"] = share * part
            for muscle, strong in muscles.items():
                for mass, heavy in masses.items():
                    weights[f"universal-{gender}-{age}-{muscle}-{mass}"] = share * strong * heavy
        weights |= {
            f"proportions-{gender}-{kind}": gender_share * part for kind, part in kinds.items() if kind
        }
    return weights
