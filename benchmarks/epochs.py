"""Claim: an epoch of full-batch Adam on second moments against NumPy, JAX and PyTorch (n = 1000, C4).

NumPy and JAX train on the same moments with gradients by hand (peers.py), PyTorch on all samples as a user writes it.
All must first have made the same 20 updates. Names on the command line choose among the cases.
"""

from functools import partial

from common import AT_LEAST, Rows, Work, agree, better, chosen, on_threads, peak, peer, race, store, table  # isort: skip

import numpy as np

import linvariance as lv
import peers

n, STRENGTH = 1000, 0.1
CASES = {
    "augmented 196-5-9": ("augmented", 14, (196, 5, 9)),
    "hard-wired 49-5-9": ("hard_wired", 14, (49, 5, 9)),
    "augmented 784-10-10": ("augmented", 28, (784, 10, 10)),
    "regularized 196-5-9": ("regularized", 14, (196, 5, 9)),
    "augmented 64-64-64-64-10": ("augmented", 8, (64, 64, 64, 64, 10)),
    "unconstrained 2048-64-128": ("unconstrained", 0, (2048, 64, 128)),
}


def pose(method: str, size: int, widths: tuple[int, ...]):
    """The problem, samples as PyTorch sees them, and a penalty of its loss."""
    rng = np.random.default_rng(0)
    rep = lv.groups.image_rotations(size) if size else None
    X = rng.random((n, rep.dim if rep else widths[0]))
    Y = np.eye(widths[-1])[rng.integers(widths[-1], size=n)]
    m, rank = lv.Moments.from_data(X, Y), min(widths)
    if method == "augmented":
        orbit = np.concatenate([X[:, p] for p in rep.elements()])
        return lv.augmented(m, rep, rank=rank), (orbit, np.tile(Y, (rep.order(), 1))), None
    if method == "hard_wired":
        return lv.hard_wired(m, rep, rank=rank), (X @ rep.invariant_basis().T, Y), None
    if method == "regularized":
        p = lv.regularized(m, rep, rank=rank, strength=STRENGTH)
        return p, (X, Y), (STRENGTH, rep.defect.toarray())
    return lv.unconstrained(m, rank=rank), (X, Y), None


def runners(case: str, dtype: type) -> dict[str, Work]:
    method, size, widths = CASES[case]
    problem, (X, Y), penalty = pose(method, size, widths)
    start = lv.init.pytorch()(widths, np.random.default_rng(1))
    S, C = np.asarray(problem.quadratic.moment), np.asarray(problem.quadratic.cross)
    first = lv.init.given(start)

    def ours(epochs):
        record = lv.Record(every=max(epochs, 1))
        run = lv.train(problem, widths, epochs=epochs, init=first, record=record, dtype=dtype, threads=1)
        return run.network.weights

    found = {"linvariance": ours}
    threads, work = better(on_threads(peers.numpy_training(S, C, start, dtype)))
    found[f"NumPy on moments, {threads} threads"] = work
    if jax := peer("jax"):
        found["JAX on moments"] = peers.jax_training(jax, S, C, start, dtype)
    if torch := peer("torch"):
        make = partial(peers.torch_training, torch, X, Y, start, "squared", None, dtype, penalty)
        threads, work = better(lambda count: make(threads=count))
        found[f"PyTorch on samples, {threads} threads"] = work
    return found


def main():
    rows: Rows = {}
    for case in chosen(CASES):
        h, dim = CASES[case][2][1], CASES[case][2][0]
        for dtype in (np.float64, np.float32):
            rivals, name = runners(case, dtype), np.dtype(dtype).name
            agree(rivals, 20, 1e-11 if dtype == np.float64 else 2e-4)
            # Recording takes as long as some epochs where there are many inputs.
            times = race(rivals, at_least=20 * AT_LEAST if dim > 1000 else AT_LEAST)
            # What a dense product W_1 S would take at the peak.
            floor = 2 * h * dim**2 / peak(name)
            rows |= table(f"{case}, {name}", times, **{"dense floor / time": floor / times["linvariance"]})
        store("epochs", rows)  # what there is, should the rest be interrupted


if __name__ == "__main__":
    main()
