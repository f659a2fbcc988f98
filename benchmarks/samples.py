"""Claim: an epoch of full-batch Adam where moments do not help, n = 1000 digits' size x C4, against PyTorch.

Two networks: linear 196-5-9 under cross-entropy, and tanh 196-15-9 under the squared loss. PyTorch trains on the 4000
augmented samples, as a user writes it; linvariance never stores them. First both must have made the same 50 updates.
"""

import numpy as np

import linvariance as lv
from common import seconds, store

n, size, outputs, epochs = 1000, 14, 9, 50
rng = np.random.default_rng(0)
rep = lv.groups.image_rotations(size)
X, classes = rng.random((n, rep.dim)), rng.integers(outputs, size=n)
orbit, labels = np.concatenate([X[:, p] for p in rep.elements()]), np.tile(classes, rep.order())
CASES = {
    "cross-entropy, 196-5-9": ("identity", 5, lv.Samples(X, classes, loss="cross_entropy")),
    "tanh, 196-15-9": ("tanh", 15, lv.Samples(X, np.eye(outputs)[classes])),
}


def start(hidden):
    return lv.init.pytorch()((rep.dim, hidden, outputs), np.random.default_rng(1))


def ours(case, dtype=np.float64, epochs=epochs):
    activation, hidden, data = CASES[case]
    problem = lv.augmented(data, rep, rank=min(hidden, outputs))
    how = {"activation": activation, "init": lv.init.given(start(hidden)), "record": lv.Record(every=max(epochs, 1))}
    return lv.train(problem, (rep.dim, hidden, outputs), epochs=epochs, dtype=dtype, threads=1, **how).network.weights


def torch_on_samples(case, double=True, threads=1, epochs=epochs):
    import torch

    activation, hidden, _ = CASES[case]
    torch.set_num_threads(threads)
    kind = torch.float64 if double else torch.float32
    layers = [torch.nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=kind) for W in start(hidden)]
    with torch.no_grad():
        for layer, W in zip(layers, start(hidden), strict=True):
            layer.weight.copy_(torch.tensor(W))
    inner = torch.nn.Tanh() if activation == "tanh" else torch.nn.Identity()
    network = torch.nn.Sequential(layers[0], inner, layers[1])
    data, wanted = torch.tensor(orbit, dtype=kind), torch.tensor(labels)
    onehot = torch.nn.functional.one_hot(wanted, outputs).to(kind)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        optimizer.zero_grad()
        if activation == "tanh":
            loss = torch.nn.functional.mse_loss(network(data), onehot, reduction="sum") / len(data)
        else:
            loss = torch.nn.functional.cross_entropy(network(data), wanted)
        loss.backward()
        optimizer.step()
    return [layer.weight.detach().numpy() for layer in layers]


def per_epoch(train, case, *arguments) -> float:
    """Microseconds of one epoch, set-up taken out by a difference."""
    many, few = (seconds(lambda k=k: train(case, *arguments, epochs=k), at_least=0.2) for k in (220, 20))
    return (many - few) / 200 * 1e6


def main():
    rows = {}
    for case in CASES:
        mine = {kind: per_epoch(ours, case, np.dtype(kind).type) for kind in ("float64", "float32")}
        rows[f"linvariance, {case}"] = {f"{kind} µs": value for kind, value in mine.items()}
        try:
            twins = torch_on_samples(case)
        except ImportError:
            print("PyTorch is not installed: left out")
            continue
        for W, twin in zip(ours(case), twins, strict=True):
            np.testing.assert_allclose(W, twin, atol=1e-12)
        for threads in (1, 2):
            peer = {
                kind: per_epoch(torch_on_samples, case, kind == "float64", threads) for kind in ("float64", "float32")
            }
            rows[f"PyTorch, {threads} threads, {case}"] = {
                **{f"{kind} µs": value for kind, value in peer.items()},
                **{f"{kind} ratio": value / mine[kind] for kind, value in peer.items()},
            }
    store("samples", rows)


if __name__ == "__main__":
    main()
