"""Rivals that train on second moments: f(W) = tr(V S Vᵀ) - 2 tr(V Cᵀ), V = W_L ... W_1, at their best.

Gradients are by hand, in the order of least work: S meets W_1 where the first hidden layer is narrower than the
outputs, else V; the factor 2 is in S and C once.
"""

import numpy as np


def gradients(weights, S2, C2, multiply, flat):
    """Those of all layers; `multiply(A, B, place)` makes A B, and `place` is where its flat vector keeps them."""
    if len(weights) == 2 and len(weights[0]) < len(C2):
        W1, W2 = weights
        D = multiply(W2, multiply(W1, S2)) - C2
        return [multiply(W2.T, D, flat[0]), multiply(D, W1.T, flat[1])]
    heads = [weights[-1]]
    for W in weights[-2:0:-1]:
        heads.append(multiply(heads[-1], W))
    right, found = multiply(multiply(heads[-1], weights[0]), S2) - C2, []
    for i, W in enumerate(weights[:-1]):
        found.append(multiply(heads[-1 - i].T, right, flat[i]))
        right = multiply(right, W.T, flat[-1] if i == len(weights) - 2 else None)
    return [*found, right]


def numpy_training(S, C, start, dtype=np.float64, lr=None):
    """times -> weights after so many epochs of Adam (of gradient descent with lr), on flat buffers in place."""
    S2, C2 = (2 * S).astype(dtype), (2 * C).astype(dtype)

    def work(times):
        w = np.concatenate([W.ravel() for W in start]).astype(dtype)
        g, m, v, t = (np.zeros_like(w) for _ in range(4))
        weights, places = split(w, start), split(g, start)
        for epoch in range(1, times + 1):
            gradients(weights, S2, C2, np.matmul, places)
            if lr is not None:
                g *= lr
                w -= g
                continue
            root = (1 - 0.999**epoch) ** 0.5
            np.subtract(g, m, out=t)
            t *= 0.1
            m += t
            g *= g
            g *= 0.001
            v *= 0.999
            v += g
            np.sqrt(v, out=t)
            t += 1e-8 * root
            np.divide(m, t, out=t)
            t *= 1e-3 / (1 - 0.9**epoch) * root
            w -= t
        return weights

    return work


def numpy_descent_in_eigenbasis(S, C, start, lr):
    """Two layers of gradient descent where S is diagonal: O(h dL d0) an epoch, as rotations commute with it."""
    values, Q = np.linalg.eigh(S)
    twice, C2, (A, B) = 2 * values, 2 * C @ Q, (start[0] @ Q, start[1])

    def work(times):
        W1, W2 = A.copy(), B.copy()
        for _ in range(times):
            D = W2 @ (W1 * twice)
            D -= C2
            D *= lr
            G1 = W2.T @ D
            W2 -= D @ W1.T
            W1 -= G1
        return [W1 @ Q.T, W2]

    return work


def jax_training(jax, S, C, start, dtype=np.float64):
    """The same of Adam in one compiled loop."""
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    S2, C2 = jnp.asarray(2 * S, dtype), jnp.asarray(2 * C, dtype)
    first = [jnp.asarray(W, dtype) for W in start]

    def multiply(A, B, place=None):
        return A @ B

    def step(epoch, state):
        weights, mean, square = state
        found = gradients(weights, S2, C2, multiply, [None] * len(weights))
        mean = [m + 0.1 * (g - m) for m, g in zip(mean, found, strict=True)]
        square = [0.999 * v + 0.001 * g * g for v, g in zip(square, found, strict=True)]
        t = (epoch + 1).astype(jnp.float64)
        rate, root = (1e-3 / (1 - 0.9**t)).astype(dtype), jnp.sqrt(1 - 0.999**t).astype(dtype)
        steps = (rate * m / (jnp.sqrt(v) / root + 1e-8) for m, v in zip(mean, square, strict=True))
        return [W - s for W, s in zip(weights, steps, strict=True)], mean, square

    @jax.jit
    def epochs(times):
        zeros = [jnp.zeros_like(W) for W in first]
        return jax.lax.fori_loop(0, times, step, (first, zeros, zeros))[0]

    return lambda times: jax.block_until_ready(epochs(times))


def torch_training(torch, X, targets, start, loss, activation=None, dtype=np.float64, penalty=None, threads=1):
    """A linear stack on samples as a user writes it, full batch; `loss` is "squared" or "cross_entropy"."""
    kind = getattr(torch, np.dtype(dtype).name)
    data = torch.tensor(X, dtype=kind)
    wanted = torch.tensor(targets) if loss == "cross_entropy" else torch.tensor(targets, dtype=kind)
    strength, G = (0.0, None) if penalty is None else (penalty[0], torch.tensor(penalty[1], dtype=kind))
    nn = torch.nn

    def work(times):
        torch.set_num_threads(threads)
        layers = [nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=kind) for W in start]
        with torch.no_grad():
            for layer, W in zip(layers, start, strict=True):
                layer.weight.copy_(torch.tensor(W))
        parts = [layers[0]]
        for layer in layers[1:]:
            parts += ([activation()] if activation else []) + [layer]
        network = nn.Sequential(*parts)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        for _ in range(times):
            optimizer.zero_grad()
            if loss == "cross_entropy":
                value = nn.functional.cross_entropy(network(data), wanted)
            else:
                value = nn.functional.mse_loss(network(data), wanted, reduction="sum") / len(data)
            if G is not None:
                W = layers[1].weight @ layers[0].weight
                value = value + strength * (W @ G).square().sum()
            value.backward()
            optimizer.step()
        return [layer.weight.detach().numpy() for layer in layers]

    return work


def split(flat, like):
    """Views of a flat vector in the shapes of `like`."""
    ends = np.cumsum([W.size for W in like])
    return [flat[end - W.size : end].reshape(W.shape) for end, W in zip(ends, like, strict=True)]
