"""Claim: an epoch of full-batch Adam on the augmented problem (n = 1000, C4, 196-5-9) against NumPy and PyTorch.

The peers train on the 4000 augmented samples, as a user writes it. First all must have made the same 50 updates.
"""

import numpy as np

import linvariance as lv
from common import seconds, store

n, size, hidden, outputs, epochs = 1000, 14, 5, 9, 50
rng = np.random.default_rng(0)
rep = lv.groups.image_rotations(size)
X, Y = rng.random((n, rep.dim)), np.eye(outputs)[rng.integers(outputs, size=n)]
orbit = np.concatenate([X[:, p] for p in rep.elements()])
targets = np.tile(Y, (rep.order(), 1))
problem = lv.augmented(lv.Moments.from_data(X, Y), rep, rank=hidden)
start = [W.copy() for W in lv.Network(lv.init.pytorch()((rep.dim, hidden, outputs), rng)).weights]


def ours(dtype=np.float64, epochs=epochs):
    record = lv.Record(every=max(epochs, 1))
    return lv.train(problem, epochs=epochs, init=lv.init.given(start), record=record, dtype=dtype, threads=1).network


def numpy_on_samples(epochs=epochs, dtype=np.float64):
    data, wanted = orbit.astype(dtype), targets.astype(dtype)
    weights = [W.astype(dtype) for W in start]
    mean, square = [np.zeros_like(W) for W in weights], [np.zeros_like(W) for W in weights]
    for t in range(1, epochs + 1):
        W1, W2 = weights
        inner = data @ W1.T
        residual = 2 * (inner @ W2.T - wanted) / len(data)
        for W, g, m, v in zip(weights, ((residual @ W2).T @ data, residual.T @ inner), mean, square, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            W -= 1e-3 / (1 - 0.9**t) * m / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return weights


def torch_on_samples(epochs=epochs, double=True, threads=1):
    import torch

    torch.set_num_threads(threads)
    kind = torch.float64 if double else torch.float32
    data, wanted = torch.tensor(orbit, dtype=kind), torch.tensor(targets, dtype=kind)
    first, second = (torch.nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=kind) for W in start)
    with torch.no_grad():
        first.weight.copy_(torch.tensor(start[0])), second.weight.copy_(torch.tensor(start[1]))
    network = torch.nn.Sequential(first, second)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(network(data), wanted, reduction="sum") / len(data)
        loss.backward()
        optimizer.step()
    return [first.weight.detach().numpy(), second.weight.detach().numpy()]


def per_epoch(train, *arguments, **options) -> float:
    """Microseconds of one epoch, set-up taken out by a difference."""
    many, few = (seconds(lambda k=k: train(*arguments, epochs=k, **options), at_least=0.2) for k in (2050, 50))
    return (many - few) / 2000 * 1e6


def main():
    rows = {"linvariance": {"float64 µs": per_epoch(ours), "float32 µs": per_epoch(ours, np.float32)}}
    reference = ours().weights
    for W, twin in zip(reference, numpy_on_samples(), strict=True):
        np.testing.assert_allclose(W, twin, atol=1e-12)
    rows["NumPy on 4000 samples"] = {"float64 µs": seconds(lambda: numpy_on_samples(50)) / 50 * 1e6}
    try:
        twins = torch_on_samples()
    except ImportError:
        print("PyTorch is not installed: left out")
    else:
        for W, twin in zip(reference, twins, strict=True):
            np.testing.assert_allclose(W, twin, atol=1e-12)
        for threads in (1, 2):
            rows[f"PyTorch, {threads} threads"] = {
                f"{kind} µs": seconds(lambda d=kind == "float64", t=threads: torch_on_samples(100, d, t)) / 100 * 1e6
                for kind in ("float64", "float32")
            }
    for row in rows.values():
        row["float64 ratio"] = row["float64 µs"] / rows["linvariance"]["float64 µs"]
    store("epoch", rows)


if __name__ == "__main__":
    main()
