"""Cost against the number of samples, the order of the group, the dimension, the number of strengths and of runs.

`python scaling.py` measures and stores; `python scaling.py draw` makes a picture of each from what is stored.
"""

from functools import partial

from common import RESULTS, chosen, peer, race, repeat, store  # isort: skip

import json
import sys
from pathlib import Path
from textwrap import fill

import numpy as np

import linvariance as lv
import peers

FIGURES = Path(__file__).parent / "figures"
outputs = 9


def data(n: int, dim: int):
    rng = np.random.default_rng(0)
    return rng.random((n, dim)), np.eye(outputs)[rng.integers(outputs, size=n)]


def ours(problem, hidden=5, seeds=(0,), threads=1):
    def work(epochs):
        widths = (problem.dim, hidden, outputs)
        record = lv.Record(every=max(epochs, 1))
        return lv.train(problem, widths, epochs=epochs, seeds=seeds, record=record, threads=threads)

    return work


def by_torch(X, Y, hidden=5, activation=None):
    torch = peer("torch")
    start = lv.init.pytorch()((X.shape[1], hidden, outputs), np.random.default_rng(1))
    name = "PyTorch on samples, 1 thread"
    return {name: peers.torch_training(torch, X, Y, start, "squared", activation)} if torch else {}


def samples():
    """Adam epoch on the augmented problem 196-5-9 under C4."""
    rep = lv.groups.image_rotations(14)
    for n in (100, 300, 1000, 3000, 10000):
        X, Y = data(n, rep.dim)
        orbit = np.concatenate([X[:, p] for p in rep.elements()])
        m = lv.Moments.from_data(X, Y)
        rivals = {"moments": ours(lv.augmented(m, rep, rank=5)), **by_torch(orbit, np.tile(Y, (4, 1)))}
        yield n, race(rivals, rounds=3)


def group_order():
    """Adam epoch of tanh 192-15-9 on 500 samples, and of the linear one on moments, under cyclic groups."""
    for order in (1, 2, 4, 8, 16, 32, 64):
        dim = 192
        rep = lv.groups.permutations([np.roll(np.arange(dim), dim // order)]) if order > 1 else lv.groups.trivial(dim)
        X, Y = data(500, dim)
        orbit = np.concatenate([np.roll(X, k * dim // order, axis=1) for k in range(order)])
        linear = lv.augmented(lv.Moments.from_data(X, Y), rep, rank=5)
        wide = lv.augmented(lv.Samples(X, Y), rep, rank=9)

        def tanh(epochs, problem=wide):
            widths, record = (problem.dim, 15, outputs), lv.Record(every=max(epochs, 1))
            return lv.train(problem, widths, activation="tanh", epochs=epochs, record=record, threads=1)

        rivals = {"moments": ours(linear), "tanh on samples": tanh}
        if torch := peer("torch"):
            named = by_torch(orbit, np.tile(Y, (order, 1)), 15, torch.nn.Tanh)
            rivals |= {f"tanh, {name}": work for name, work in named.items()}
        yield order, race(rivals, rounds=3)


def dimension():
    """Adam epoch on the augmented problem d0-5-9 under C4, on moments."""
    for size in (8, 14, 20, 28, 36):
        rep = lv.groups.image_rotations(size)
        m = lv.Moments.from_data(*data(2000, rep.dim))
        problem = lv.augmented(m, rep, rank=5)
        S, C = np.asarray(problem.quadratic.moment), np.asarray(problem.quadratic.cross)
        start = lv.init.pytorch()((rep.dim, 5, outputs), np.random.default_rng(1))
        rivals = {"moments": ours(problem), "NumPy on moments": peers.numpy_training(S, C, start)}
        if jax := peer("jax"):
            rivals["JAX on moments"] = peers.jax_training(jax, S, C, start)
        yield rep.dim, race(rivals, rounds=3)


def strengths():
    """Regularization path, factorization included (196 dimensions, C4, rank 5)."""
    import path

    for count in (2, 10, 50, 200, 1000):
        path.strengths = np.geomspace(1e-4, 1e3, count)
        rivals = {"regularization_path": repeat(path.ours)}
        if count <= 200:
            rivals["Cholesky and thin SVD each"] = repeat(path.cholesky)
        yield count, race(rivals, rounds=3)


def runs():
    """An Adam epoch of all runs together, augmented 196-5-9."""
    rep = lv.groups.image_rotations(14)
    problem = lv.augmented(lv.Moments.from_data(*data(1000, rep.dim)), rep, rank=5)
    for count in (1, 2, 4, 8, 16):
        work = partial(ours, problem, seeds=range(count))
        yield count, race({"one thread": work(threads=1), "two threads": work(threads=2)}, rounds=3)


SWEEPS = {
    "samples": (samples, "samples n"),
    "group_order": (group_order, "order of the group |G|"),
    "dimension": (dimension, "input dimension d0"),
    "strengths": (strengths, "number of strengths λ"),
    "runs": (runs, "number of runs"),
}


def measure():
    for name in chosen(list(SWEEPS)):
        rows = {}
        for at, times in SWEEPS[name][0]():
            rows[str(at)] = {runner: 1e6 * t for runner, t in times.items()}
            print(
                name, at, *(f"{runner} {value:.4g} µs" for runner, value in rows[str(at)].items()), sep="  ", flush=True
            )
        store(f"scaling_{name}", rows)


def draw():
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x, pos=None):
            return f"{x:,.10g}" if super().__call__(x, pos) else ""

    FIGURES.mkdir(exist_ok=True)
    for name, (sweep, label) in SWEEPS.items():
        if not (RESULTS / f"scaling_{name}.json").exists():
            continue
        rows = json.loads((RESULTS / f"scaling_{name}.json").read_text())["rows"]
        figure, axes = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
        for runner in dict.fromkeys(runner for row in rows.values() for runner in row):
            points = [(int(at), row[runner]) for at, row in rows.items() if runner in row]
            axes.loglog(*zip(*points, strict=True), "o-", label=runner, markersize=4)
        ticks = [int(at) for at in rows]
        axes.set_xticks(ticks, map(str, ticks))
        axes.xaxis.set_minor_locator(plt.NullLocator())
        axes.yaxis.set_major_formatter(Plain())
        axes.yaxis.set_minor_formatter(Plain(minor_thresholds=(1.3, 0.5)))
        axes.set(xlabel=label, ylabel="µs")
        axes.set_title(fill(sweep.__doc__.rstrip("."), 62), fontsize=8.5)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        figure.savefig(FIGURES / f"{name}.png", dpi=110)
        plt.close(figure)


if __name__ == "__main__":
    draw() if sys.argv[1:] == ["draw"] else measure()
