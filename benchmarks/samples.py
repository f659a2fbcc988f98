"""Claim: an epoch of full-batch Adam where moments do not help, against PyTorch (1000 images of 14 x 14 pixels).

Cross-entropy on a linear 196-5-9; leaky ReLU and tanh on 196-15-9 under the squared loss; under the rotations (C4) and
under all 8 elements of the dihedral group. PyTorch trains on the augmented samples, as a user writes it; linvariance
never stores them. First both must have made the same 20 updates.
"""

from functools import partial

from common import Rows, Work, agree, better, chosen, peer, race, store, table  # isort: skip

import numpy as np

import linvariance as lv
import peers

n, size, outputs = 1000, 14, 9
CASES = {
    f"{name}, {group}": (activation, hidden, loss, make)
    for group, make in (("C4", lv.groups.image_rotations), ("D4", lv.groups.image_dihedral))
    for name, activation, hidden, loss in (
        ("cross-entropy 196-5-9", "identity", 5, "cross_entropy"),
        ("leaky ReLU 196-15-9", "leaky_relu", 15, "squared"),
        ("tanh 196-15-9", "tanh", 15, "squared"),
    )
}


def runners(case: str, dtype: type) -> dict[str, Work]:
    activation, hidden, loss, make = CASES[case]
    rng, rep = np.random.default_rng(0), make(size)
    X, classes = rng.random((n, rep.dim)), rng.integers(outputs, size=n)
    wanted = classes if loss == "cross_entropy" else np.eye(outputs)[classes]
    data = lv.Samples(X, classes, loss=loss) if loss == "cross_entropy" else lv.Samples(X, wanted)
    widths = (rep.dim, hidden, outputs)
    problem, start = lv.augmented(data, rep, rank=min(widths)), lv.init.pytorch()(widths, np.random.default_rng(1))

    def ours(epochs):
        how = {"activation": activation, "init": lv.init.given(start), "record": lv.Record(every=max(epochs, 1))}
        return lv.train(problem, widths, epochs=epochs, dtype=dtype, threads=1, **how).network.weights

    found = {"linvariance": ours}
    if torch := peer("torch"):
        orbit = np.concatenate([X[:, p] for p in rep.elements()])
        targets = np.concatenate([wanted] * rep.order())
        inner = {"identity": None, "tanh": torch.nn.Tanh, "leaky_relu": torch.nn.LeakyReLU}[activation]
        train = partial(peers.torch_training, torch, orbit, targets, start, loss, inner, dtype)
        threads, work = better(lambda count: train(threads=count))
        found[f"PyTorch, {threads} threads"] = work
    return found


def main():
    rows: Rows = {}
    for case in chosen(CASES):
        for dtype in (np.float64, np.float32):
            rivals = runners(case, dtype)
            agree(rivals, 20, 1e-11 if dtype == np.float64 else 2e-4)
            rows |= table(f"{case}, {np.dtype(dtype).name}", race(rivals))
        store("samples", rows)  # what there is, should the rest be interrupted


if __name__ == "__main__":
    main()
