"""What the examples share: methods fitted to ever more samples, their held-out errors as a table and as a picture."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV

import linvariance as lv

STRENGTHS = np.geomspace(1e-4, 1e4, 25)  # for each method that has to choose one
HELD_OUT = 1000
COLOURS = ("#555555", "#56B4E9", "#D55E00", "#009E73", "#000000", "#CC79A7", "#E69F00")  # Okabe and Ito
STYLES = ("o-", "s-", "D--", "^-", "x:", "v-.", "P-.")

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]  # generator, n -> X (n, d0), Y (n, dL)
Candidates = Mapping[str, lv.groups.Representation]


def fitted(X: np.ndarray, Y: np.ndarray, candidates: Candidates, symmetry: str, rank: int) -> dict:
    """Every method, fitted. Evidence chooses the ridges, and the symmetry of "selected", from these samples alone."""
    scores = lv.select_symmetry(lv.Moments.from_data(X, Y).centered(), candidates=candidates)
    none, known, best = scores["none"], scores[symmetry], scores.best
    parts = {"n_components": [k for k in (1, 2, 4, 8, 16) if 2 * k < len(X)]}
    models = {
        "no symmetry": lv.HardWiredRegressor(None, rank=rank, ridge=none.ridge),
        "augmented": lv.AugmentedRegressor(known.representation, rank=rank, ridge=known.ridge),
        "hard-wired": lv.HardWiredRegressor(known.representation, rank=rank, ridge=known.ridge),
        "regularized": lv.RegularizedRegressorCV(
            known.representation, strengths=STRENGTHS, ranks=[rank], ridge=known.ridge
        ),
        "selected": lv.HardWiredRegressor(best.representation, rank=rank, ridge=best.ridge),
        "Ridge": RidgeCV(STRENGTHS),
        "PLS": GridSearchCV(PLSRegression(scale=False), parts, scoring="neg_mean_squared_error", cv=3),
    }
    return {name: model.fit(X, Y) for name, model in models.items()}


def compare(
    title: str, draw: Draw, candidates: Candidates, symmetry: str, *, rank: int, sizes: Sequence[int]
) -> dict[str, np.ndarray]:
    """Held-out errors, name -> (seeds, sizes), in units of the targets' variance; printed, and drawn into --out."""
    options = argparse.ArgumentParser(description=title)
    options.add_argument("--out", type=Path, default=Path("out"), help="folder of the picture")
    options.add_argument("--seeds", type=int, default=10, help="data sets")
    chosen = options.parse_args()
    runs = [errors_of(draw, candidates, symmetry, rank, sizes, seed) for seed in range(chosen.seeds)]
    errors = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    print(f"{title}\nmedian held-out error / variance")
    print(f"{'n':12}", *(f"{n:8}" for n in sizes))
    for name, found in errors.items():
        print(f"{name:12}", *(f"{value:8.3g}" for value in np.median(found, axis=0)))
    chosen.out.mkdir(parents=True, exist_ok=True)
    picture(title, errors, sizes, chosen.out / f"{Path(sys.argv[0]).stem}.png")
    return errors


def errors_of(
    draw: Draw, candidates: Candidates, symmetry: str, rank: int, sizes: Sequence[int], seed: int
) -> dict[str, list[float]]:
    """Of one data set: name -> errors (sizes,), all on the same held-out samples."""
    X, Y = draw(np.random.default_rng(seed), max(sizes) + HELD_OUT)
    unseen, targets = X[-HELD_OUT:], Y[-HELD_OUT:]
    variance, errors = targets.var(axis=0).mean(), {}
    for n in sizes:
        for name, model in fitted(X[:n], Y[:n], candidates, symmetry, rank).items():
            errors.setdefault(name, []).append(np.square(model.predict(unseen) - targets).mean() / variance)
    return errors


def picture(title: str, errors: Mapping[str, np.ndarray], sizes: Sequence[int], path: Path) -> None:
    """Medians and quartiles over seeds; methods stand side by side, so that those which coincide are seen."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for k, ((name, found), colour, style) in enumerate(zip(errors.items(), COLOURS, STYLES, strict=True)):
        low, middle, high = np.quantile(found, (0.25, 0.5, 0.75), axis=0)
        at = np.asarray(sizes) * 1.045 ** (k - len(errors) // 2)
        bars = {"elinewidth": 1, "capsize": 2, "markersize": 4.5, "linewidth": 1.2}
        axes.errorbar(at, middle, (middle - low, high - middle), fmt=style, color=colour, label=name, **bars)
    axes.set(xscale="log", yscale="log", xlabel="samples n")
    axes.set_ylabel("held-out squared error / variance of targets")
    axes.set_xticks(sizes, map(str, sizes))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 6, 8)))
    axes.yaxis.set_major_formatter("{x:g}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set_title(f"{title}\nmedians and quartiles of {len(found)} data sets", fontsize=10)
    axes.grid(alpha=0.3, axis="y")
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)
