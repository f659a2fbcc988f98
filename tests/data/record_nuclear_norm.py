"""Record nuclear-norm optima found by a general convex solver: run it once, with cvxpy and Clarabel installed.

    python tests/data/record_nuclear_norm.py

min (1/n)‖W X - Y‖² + strength·‖W‖_* on data drawn here, by interior points, to about 1e-9 of the objective. Each case
is an input moment that is no multiple of a projector: full rank, more inputs than samples, one output, a spread of
1e3, and one literally augmented by the reversal of its inputs. Columns are samples.
"""

from pathlib import Path

import cvxpy
import numpy as np

CASES = {  # outputs, inputs, samples, spread of the inputs, strength over the least that gives 0, augmented
    "full rank": (3, 5, 12, 10.0, 0.2, False),
    "few samples": (4, 7, 5, 10.0, 0.1, False),
    "one output": (1, 6, 10, 10.0, 0.3, False),
    "spread": (4, 6, 20, 1e3, 0.01, False),
    "reversal": (3, 5, 9, 10.0, 0.15, True),
}


def main():
    recorded = {}
    for seed, (name, (outputs, inputs, n, spread, share, augmented)) in enumerate(CASES.items()):
        rng = np.random.default_rng(seed)
        X = np.geomspace(1, 1 / spread, inputs)[:, None] * rng.standard_normal((inputs, n))
        Y = rng.standard_normal((outputs, inputs)) @ X + 0.3 * rng.standard_normal((outputs, n))
        seen = np.hstack([X, X[::-1]]) if augmented else X
        wanted = np.hstack([Y, Y]) if augmented else Y
        strength = share * 2 * np.linalg.norm(wanted @ seen.T, 2) / seen.shape[1]
        W = cvxpy.Variable((outputs, inputs))
        objective = cvxpy.sum_squares(W @ seen - wanted) / seen.shape[1] + strength * cvxpy.normNuc(W)
        cvxpy.Problem(cvxpy.Minimize(objective)).solve(
            solver=cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10
        )
        recorded |= {f"{name}/X": X, f"{name}/Y": Y, f"{name}/strength": strength, f"{name}/W": W.value}
        recorded |= {f"{name}/objective": objective.value, f"{name}/augmented": augmented}
    np.savez_compressed(Path(__file__).with_name("nuclear_norm.npz"), **recorded)


if __name__ == "__main__":
    main()
