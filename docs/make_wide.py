"""Times and memory of wide data (200 rows of d0 columns), into docs/figures/wide.png: `python docs/make_wide.py`.

Each case runs in a process of its own, which solves it and trains 5 epochs of Adam. A minute and a half.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

import linvariance as lv
from linvariance import plots

ROWS, COLUMNS = 200, (1000, 3000, 10_000, 30_000, 100_000)
CASES = {
    "unconstrained": lambda m, swap: lv.unconstrained(m, rank=2),
    "hard-wired": lambda m, swap: lv.hard_wired(m, swap, rank=2),
    "augmented": lambda m, swap: lv.augmented(m, swap, rank=2),
    "regularized": lambda m, swap: lv.regularized(m, swap, rank=2, strength=0.1),
}
PICTURE = Path(__file__).parent / "figures" / "wide.png"


def measure(case: str, d: int) -> tuple[float, float]:
    """Seconds for solution and training, and MB of memory beyond that of the moments."""
    import resource
    import time

    def memory() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, d))
    m = lv.Moments.from_data(X, X[:, :5] + rng.standard_normal((ROWS, 5)))
    swap = lv.groups.permutations([np.r_[d // 2 : d, : d // 2]])
    before, start = memory(), time.perf_counter()
    problem = CASES[case](m, swap)
    lv.solve(problem)
    lv.train(problem, epochs=5)
    return time.perf_counter() - start, memory() - before


def measured() -> dict[tuple[str, int], tuple[float, float]]:
    """Of all cases, each in a process."""
    found = {}
    for case in CASES:
        for d in COLUMNS:
            run = subprocess.run([sys.executable, __file__, case, str(d)], capture_output=True, text=True, check=True)
            found[case, d] = seconds, megabytes = tuple(map(float, run.stdout.split()))
            print(f"{case}, d0 = {d}: {seconds:.3f} s, {megabytes:.0f} MB")
    return found


def draw(found: dict[tuple[str, int], tuple[float, float]]) -> None:
    """Both against d0, beside the size of the rows and of a matrix of all columns."""
    picture, panels = plots.panels(1, 2, size=(9.0, 3.8))
    for panel, name, k in zip(panels, ("seconds: solution and 5 epochs", "MB beyond the moments"), (0, 1), strict=True):
        for case, look in zip(CASES, plots.looks(len(CASES)), strict=True):
            values = [found[case, d][k] or np.nan for d in COLUMNS]  # 0 MB: there was room from before
            panel.loglog(COLUMNS, values, color=look.colour, marker="o", markersize=4, label=case)
        plots.explain(panel, "columns d0", name)
    panels[1].loglog(COLUMNS, [8e-6 * ROWS * d for d in COLUMNS], ":", color="0.4", label="the rows")
    panels[1].loglog(COLUMNS[:3], [8e-6 * d**2 for d in COLUMNS[:3]], "--", color="0.4", label="a matrix (d0, d0)")
    panels[1].legend(fontsize=plots.SMALL, frameon=False)
    picture.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    print(*measure(sys.argv[1], int(sys.argv[2]))) if len(sys.argv) == 3 else draw(measured())
