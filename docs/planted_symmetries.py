"""How often the true symmetry is found, as selection.md quotes it: `python docs/planted_symmetries.py [SEEDS]`.

C1 < C2 < C4 < D4 turn (and mirror) images of 4 x 4 pixels. The truth has one of them as its symmetry, and no larger
one: the part of every output's weights off the next larger group has norm 1. Gaussian pixels and noise of variance 1,
320 samples, 3 outputs. Takes minutes for 200 seeds.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.stats

import linvariance as lv

SAMPLES, OUTPUTS, SIZE = 320, 3, 4
turns = lv.groups.image_rotations(SIZE)
GROUPS = {
    "C1": lv.groups.trivial(SIZE**2),
    "C2": lv.groups.subgroups(turns)[1],
    "C4": turns,
    "D4": lv.groups.image_dihedral(SIZE),
}
NAMES = tuple(GROUPS)
CRITERIA = {"log_evidence": "evidence", "gcv": "GCV", "loo": "leave-one-out", "cv": "5-fold"}
DIMENSIONS = {name: len(rep.invariant_basis()) for name, rep in GROUPS.items()}


@dataclass(frozen=True)
class Trial:
    """What was found with one seed: the choice by each criterion, log Bayes factors against C1, and true risks."""

    chosen: dict[str, str]
    factors: dict[str, float]
    risks: dict[str, float]  # excess risk per output of the posterior mean under each group


def signal(name: str | None, rng: np.random.Generator) -> np.ndarray:
    """Weights (3, 16) with exactly this symmetry; zero for None."""
    rows = rng.standard_normal((OUTPUTS, SIZE**2))
    if name is None:
        return 0 * rows
    rows = GROUPS[name].project(rows)
    larger = NAMES[NAMES.index(name) + 1 :]
    shared = GROUPS[larger[0]].project(rows) if larger else 0 * rows
    return shared + (rows - shared) / np.linalg.norm(rows - shared, axis=1, keepdims=True)


def trial(name: str | None, seed: int) -> Trial:
    """One data set, and what each criterion makes of it."""
    rng = np.random.default_rng([seed, 0 if name is None else 1 + NAMES.index(name)])
    W, X = signal(name, rng), rng.standard_normal((SAMPLES, SIZE**2))
    Y = X @ W.T + rng.standard_normal((SAMPLES, OUTPUTS))
    found = lv.select_symmetry(X, Y, GROUPS, seed=seed)
    moments = lv.Moments.from_data(X, Y)
    fits = {
        s.name: lv.solve(lv.hard_wired(moments, GROUPS[s.name], rank=3, ridge=s.ridge)).weights for s in found.scores
    }
    return Trial(
        chosen={criterion: found.best_by(criterion).name for criterion in CRITERIA},
        factors={score.name: score.log_bayes_none for score in found.scores},
        risks={group: float(np.square(fit - W).sum()) / OUTPUTS for group, fit in fits.items()},
    )


def predicted(name: str) -> float:
    """Excess risk per output of least squares under this group, where it holds: d/(n - d - 1), noise 1."""
    return DIMENSIONS[name] / (SAMPLES - DIMENSIONS[name] - 1)


def chance(name: str) -> float:
    """Of a criterion that pays 2 for a parameter, as leave-one-out does for large n, to take the next smaller group.

    With it come d' - d superfluous parameters an output, and the fit gains χ² of as many degrees of freedom.
    """
    if name == "C1":
        return 0.0
    extra = OUTPUTS * (DIMENSIONS[NAMES[NAMES.index(name) - 1]] - DIMENSIONS[name])
    return float(scipy.stats.chi2.sf(2 * extra, extra))


def rows(trials: dict[str, list[Trial]]) -> Iterator[list[str]]:
    """One row a truth and criterion: how often each group was chosen, and what that cost."""
    for truth, found in trials.items():
        for criterion, label in CRITERIA.items():
            chosen = [t.chosen[criterion] for t in found]
            cost = [t.risks[t.chosen[criterion]] - t.risks[truth] for t in found if t.chosen[criterion] != truth]
            counts = [f"**{chosen.count(name)}**" if name == truth else str(chosen.count(name)) for name in NAMES]
            yield [truth, label, *counts, f"{np.mean(cost):+.4f}" if cost else ""]


def markdown(head: list[str], body: list[list[str]]) -> str:
    """A table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def main(seeds: int = 200) -> None:
    """Print the tables."""
    trials = {name: [trial(name, seed) for seed in range(seeds)] for name in NAMES}
    print(markdown(["truth", "criterion", *NAMES, "mean cost of a miss"], list(rows(trials))), "\n")
    steps = [
        [
            name,
            str(DIMENSIONS[name]),
            f"{predicted(name):.4f}",
            f"{np.mean([t.risks[name] for t in trials[name]]):.4f}",
            f"{chance(name):.1%}",
        ]
        for name in NAMES
    ]
    print(markdown(["group", "d", "d/(n - d - 1)", "excess risk found", "chance of a smaller group"], steps), "\n")
    noise = [trial(None, seed) for seed in range(seeds)]
    for name in NAMES[1:]:
        factors = np.array([t.factors[name] for t in noise])
        above, below = np.sum(factors > np.log(10)), np.sum(factors < -np.log(10))
        ends = f"largest {np.exp(factors.max()):.3g}, least {np.exp(factors.min()):.3g}"
        print(f"pure noise, {name} against C1: above 10 {above} times, below 1/10 {below} times of {seeds}; {ends}")
    some = sum(max(t.factors.values()) > np.log(10) for t in noise)
    print(f"pure noise, some group against C1 above 10: {some} times of {seeds}")
    for criterion, label in CRITERIA.items():
        chosen = [t.chosen[criterion] for t in noise]
        print("pure noise,", label, "takes", *(f"{name} {chosen.count(name)}" for name in NAMES))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
