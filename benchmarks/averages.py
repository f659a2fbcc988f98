"""Claim: averages over groups of any size without enumeration: Z_28 x Z_28, S_196, and S_100 on 100 x 100 matrices.

The peers are the loop over all elements by index in NumPy and, where it is installed, EMLP (which needs `six`, too).
"""

from common import race, repeat, store, table  # isort: skip

import os
from pathlib import Path
from time import perf_counter

import numpy as np

import linvariance as lv

rng = np.random.default_rng(0)
EPS = np.finfo(np.float64).eps


def translations() -> dict[str, dict[str, float]]:
    """S̄ on 784 pixels: the loop's elements are listed beforehand, our labels only where the row says so."""
    S = moment(784)
    rep = lv.groups.image_translations(28, 28)
    elements = rep.elements()

    def loop(pick):
        total = np.zeros_like(S)
        for p in elements:
            total += pick(p)
        return total / len(elements)

    def twice():
        return loop(lambda p: S[p][:, p])

    def at_once():
        return loop(lambda p: S[np.ix_(p, p)])

    def from_nothing():
        return lv.groups.image_translations(28, 28).average_moment(S)

    for found in (twice(), at_once(), from_nothing()):
        np.testing.assert_allclose(rep.average_moment(S), found, rtol=0, atol=30 * EPS * np.linalg.norm(S))
    rivals = {
        "group and labels made": from_nothing,
        "after labels": lambda: rep.average_moment(S),
        "loop S[p][:, p]": twice,
        "loop S[np.ix_(p, p)]": at_once,
    }
    times = race({name: repeat(function) for name, function in rivals.items()}, rounds=3)
    return table("Z_28 x Z_28", times, "ms")


def symmetric() -> dict[str, dict[str, float]]:
    """S_196: the mean of the diagonal, and of all else."""
    n = 196
    S = moment(n)
    rep = lv.groups.symmetric(n)
    off = (S.sum() - np.trace(S)) / (n * (n - 1))
    wanted = np.full((n, n), off) + (np.trace(S) / n - off) * np.eye(n)
    np.testing.assert_allclose(rep.average_moment(S), wanted, rtol=0, atol=30 * EPS * np.linalg.norm(S))
    return {
        "S_196, group and labels made": {"ms": 1e3 * seconds(lambda: lv.groups.symmetric(n).average_moment(S))},
        "S_196, after labels": {"ms": 1e3 * seconds(lambda: rep.average_moment(S))},
    }


def graphs() -> dict[str, dict[str, float]]:
    """S_100 renaming the vertices of graphs, d0 = 10 000; memory is the peak of the whole process, less files."""
    n, samples = 100, 300
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    X, Y = rng.standard_normal((samples, n * n)), rng.standard_normal((samples, 5))

    def basis():
        return lv.groups.adjacency(n).invariant_basis()

    def reynolds():
        return lv.groups.adjacency(n).project(X[:5])

    def fit_invariants():
        features = lv.Moments.from_data(X @ basis().T, Y)
        return lv.solve(lv.unconstrained(features, rank=2))

    def fit():
        rep = lv.groups.adjacency(n)
        return lv.solve(lv.hard_wired(lv.Moments.from_data(X, Y), rep, rank=2))

    diagonal = np.eye(n).ravel()
    B = np.stack([diagonal / np.sqrt(n), (1 - diagonal) / np.sqrt(n * (n - 1))])
    np.testing.assert_allclose(basis(), B, rtol=8 * EPS)
    np.testing.assert_allclose(reynolds(), X[:5] @ B.T @ B, rtol=0, atol=30 * EPS * np.linalg.norm(X[:5]))
    least = np.square(Y - X @ B.T @ np.linalg.lstsq(X @ B.T, Y)[0]).sum() / samples
    rows = {}
    for label, function in (
        ("invariant basis", basis),
        ("Reynolds, 5 rows", reynolds),
        ("fit on the invariants of 300 samples", fit_invariants),
        ("hard-wired fit of 300 samples", fit),
    ):
        result = function()
        if isinstance(result, lv.Solution):
            np.testing.assert_allclose(result.loss, least, rtol=300 * EPS)
        rows[f"S_100 on 100 x 100, {label}"] = {"ms": 1e3 * seconds(function), "peak anonymous MB": peak()}
    return rows


def emlp(n: int) -> dict[str, dict[str, float]]:
    """The invariants of S_n on n x n matrices: EMLP's (one call, float32) against ours."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # EMLP 1.0.3 hands tqdm a float32, at which tqdm 4.70 fails
    try:
        from emlp.groups import S
        from emlp.reps import T
        from emlp.reps.representation import Rep
    except ImportError as error:
        print(f"EMLP: left out ({error})")
        return {}
    Rep.solcache.clear()
    start = perf_counter()
    Q = np.asarray(T(2)(S(n)).equivariant_basis(), dtype=np.float64)
    theirs = perf_counter() - start
    B = lv.groups.adjacency(n).invariant_basis()
    # The same space: EMLP descends to a tolerance of 1e-5, in float32.
    assert Q.shape[1] == len(B)
    np.testing.assert_allclose(B.T @ (B @ Q), Q, atol=1e-4)
    ours = seconds(lambda: lv.groups.adjacency(n).invariant_basis())
    return {
        f"S_{n} on {n} x {n}, invariants by EMLP": {"ms": 1e3 * theirs},
        f"S_{n} on {n} x {n}, invariants here": {"ms": 1e3 * ours, "times faster": theirs / ours},
    }


def seconds(function) -> float:
    return race({"": repeat(function)})[""]


def moment(dim: int) -> np.ndarray:
    X = rng.standard_normal((2 * dim, dim))
    return X.T @ X / len(X)


def peak() -> float:
    """Peak of resident memory since it was reset, less what maps files, in MB."""
    status = dict(line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    return (int(status["VmHWM"].split()[0]) - int(status["RssFile"].split()[0])) / 1024


def main():
    rows = graphs()  # first, while the process is small
    rows |= translations() | symmetric()
    for n in (10, 20, 100):  # the first call of EMLP pays for the start of JAX
        rows |= emlp(n)
    store("averages", rows)


if __name__ == "__main__":
    main()
