"""The way off a saddle, at any depth: what `escape` returns is lower, and measured at the network itself."""

import numpy as np

import linvariance as lv


def problem(rng, sigma, outputs, inputs, rank):
    """Whitened inputs, so that Z has the given singular values."""
    U, V = (np.linalg.qr(rng.standard_normal((size, len(sigma))))[0] for size in (outputs, inputs))
    X = np.sqrt(inputs) * np.eye(inputs)
    return lv.unconstrained(lv.Moments.from_data(X, np.sqrt(inputs) * (V * sigma) @ U.T), rank=rank)


def literal(p, network):
    """The loss of a network from the rows of the data."""
    W = np.linalg.multi_dot([np.eye(p.outputs), *reversed(network.weights)])
    F = p.data.factor
    return np.sum((F[:, : p.dim] @ W.T - F[:, p.dim :]) ** 2)


def check(p, network, step):
    c = p.data.yy
    assert abs(step.before - literal(p, network)) <= 1e-9 * c
    assert abs(step.after - literal(p, step.network)) <= 1e-9 * c
    assert 0 <= step.after < step.before


def test_all_gauges_of_a_deep_saddle():
    p = lv.unconstrained(lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.sqrt(3) * np.diag([3.0, 2.0, 1.0])), rank=2)
    point = lv.critical_points(p)[2]
    for seed in range(200):
        network = lv.network_at(point, (3, 2, 2, 3), gauge=np.random.default_rng(seed))
        check(p, network, lv.escape(p, network))


def test_random_saddles_of_depths_2_to_5():
    tried = 0
    for seed in range(10_000):
        rng = np.random.default_rng(seed)
        depth, rank = 2 + seed % 4, int(rng.integers(1, 4))
        sizes = rng.integers(max(2, rank), 6, size=2)
        sigma = np.sort(10 ** rng.uniform(-1.5, 1, size=min(sizes)))[::-1]
        p = problem(rng, sigma, *sizes, rank)
        widths = (sizes[1], *(rank + int(k) for k in rng.integers(0, 3, size=depth - 1)), sizes[0])
        if min(widths) != min(rank, *sizes):
            continue
        points = lv.critical_points(p)
        point = points[int(rng.integers(points.count))]
        if point.index == 0:
            continue
        network = lv.network_at(point, widths, gauge=np.random.default_rng(seed) if seed % 3 else None)
        check(p, network, lv.escape(p, network))
        tried += 1
        if tried == 500:
            return
    raise AssertionError(f"only {tried} saddles were found")
