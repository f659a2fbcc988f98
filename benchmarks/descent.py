"""Claims: gradient descent on two layers, many runs on two threads, one gradient from Python (n = 1000, C4)."""

from functools import partial

from common import Rows, agree, better, on_threads, race, repeat, store, table  # isort: skip

import numpy as np

import linvariance as lv
import peers
from epochs import pose

LR = 1e-3


def against_numpy(size: int, widths: tuple[int, ...]) -> Rows:
    """NumPy with S as it is, and with S diagonalized beforehand; ours after it turned to the eigenbasis too."""
    problem, _, _ = pose("augmented", size, widths)
    init, record = lv.init.given(lv.init.pytorch()(widths, np.random.default_rng(1))), lv.Record(every=2**40)
    turned = lv.train(
        problem, widths, optimizer=lv.GradientDescent(LR), init=init, record=record, epochs=16 * widths[0] // 5
    )
    start = turned.network.weights
    S, C = np.asarray(problem.quadratic.moment), np.asarray(problem.quadratic.cross)
    threads, plain = better(on_threads(peers.numpy_training(S, C, start, lr=LR)))

    rivals = {
        "linvariance": lambda epochs: lv.resume(turned, epochs=epochs, threads=1).network.weights,
        f"NumPy, {threads} threads": plain,
        "NumPy in the eigenbasis of S, 1 thread": on_threads(peers.numpy_descent_in_eigenbasis(S, C, start, LR))(1),
    }
    agree(rivals, 100, 1e-11)
    return table(f"gradient descent {'-'.join(map(str, widths))}", race(rivals))


def together() -> Rows:
    """Two runs of Adam, augmented 196-5-9: on two threads, and one after the other."""
    problem, _, _ = pose("augmented", 14, (196, 5, 9))

    def work(epochs, threads):
        record = lv.Record(every=max(epochs, 1))
        run = lv.train(problem, epochs=epochs, seeds=(0, 1), record=record, threads=threads)
        return [W for seed in (0, 1) for W in run.network(0, seed).weights]

    rivals = {"two threads": partial(work, threads=2), "one thread": partial(work, threads=1)}
    agree(rivals, 50, 0.0)
    return table("two runs", race(rivals))


def one_gradient() -> Rows:
    """The gradient of a linear map (9 x 196), and of a network 196-5-9, by one call from Python."""
    problem, _, _ = pose("augmented", 14, (196, 5, 9))
    S2, C2 = 2 * np.asarray(problem.quadratic.moment), 2 * np.asarray(problem.quadratic.cross)
    V = np.random.default_rng(1).standard_normal(C2.shape)
    rivals = {"linvariance": lambda: problem.gradient(V), "NumPy": lambda: V @ S2 - C2}
    agree({name: lambda _, f=f: [f()] for name, f in rivals.items()}, 1, 1e-11)
    rows = table("one gradient from Python", race({name: repeat(f) for name, f in rivals.items()}))
    start = lv.init.pytorch()((196, 5, 9), np.random.default_rng(1))
    network, (W1, W2) = lv.Network(start), start

    def by_hand():
        D = W2 @ (W1 @ S2) - C2
        return [W2.T @ D, D @ W1.T]

    rivals = {"linvariance, with the loss": lambda: lv.value_and_gradient(problem, network)[1], "NumPy": by_hand}
    agree({name: lambda _, f=f: f() for name, f in rivals.items()}, 1, 1e-11)
    return rows | table("one network's gradient", race({name: repeat(f) for name, f in rivals.items()}))


def main():
    rows = against_numpy(14, (196, 5, 9)) | against_numpy(28, (784, 10, 10))
    store("descent", rows | together() | one_gradient())


if __name__ == "__main__":
    main()
