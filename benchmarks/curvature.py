"""Claim: products with Hessian and Gauss-Newton matrix, top eigenvalues; two layers (augmented, 196-5-9, n = 1000, C4).

In float64. JAX multiplies by forward over reverse differentiation on the same moments, curvlinops on the 4000 samples
by PyTorch. The Fisher matrices are those of cross-entropy, on the 4000 samples for both.
"""

from functools import partial

from common import Rows, agree, better, peer, race, repeat, store, table  # isort: skip

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

import linvariance as lv
from epochs import pose

WIDTHS = (196, 5, 9)
problem, (X, Y), _ = pose("augmented", 14, WIDTHS)
network = lv.Network(lv.init.pytorch()(WIDTHS, np.random.default_rng(1)))
S, C = np.asarray(problem.quadratic.moment), np.asarray(problem.quadratic.cross)
size = network.flat.size


def jax_products(jax):
    """v -> H v and a block (N, k) -> H block."""
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    moment, cross, at = jnp.asarray(S), jnp.asarray(C), [jnp.asarray(W) for W in network.weights]

    def loss(weights):
        W1, W2 = weights
        V = W2 @ W1
        return ((V @ moment) * V).sum() - 2 * (V * cross).sum()

    def product(v):
        first, second = v[: at[0].size].reshape(at[0].shape), v[at[0].size :].reshape(at[1].shape)
        return jnp.concatenate([g.ravel() for g in jax.jvp(jax.grad(loss), (at,), ([first, second],))[1]])

    one, block = jax.jit(product), jax.jit(jax.vmap(product, in_axes=1, out_axes=1))
    return lambda v: np.asarray((one if v.ndim == 1 else block)(v))


def jax_gauss_newton(jax):
    """v -> G v: forward through the product, 2 (. S), and back."""
    jnp = jax.numpy
    moment, at = jnp.asarray(S), [jnp.asarray(W) for W in network.weights]

    def end_to_end(weights):
        return weights[1] @ weights[0]

    @jax.jit
    def product(v):
        first, second = v[: at[0].size].reshape(at[0].shape), v[at[0].size :].reshape(at[1].shape)
        _, along = jax.jvp(end_to_end, (at,), ([first, second],))
        return jnp.concatenate([g.ravel() for g in jax.vjp(end_to_end, at)[1](2 * along @ moment)[0]])

    return lambda v: np.asarray(product(v))


def curvlinops_operator(torch, curvlinops, kind, threads=1, labels=None):
    """One of curvlinops' matrices as a SciPy operator; of cross-entropy where there are labels."""
    torch.set_num_threads(threads)
    layers = [torch.nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=torch.float64) for W in network.weights]
    with torch.no_grad():
        for layer, W in zip(layers, network.weights, strict=True):
            layer.weight.copy_(torch.tensor(W))
    model = torch.nn.Sequential(*layers)
    # The mean of squares is over entries: times their number in a row it is the loss here.
    loss, targets, times = torch.nn.MSELoss(), Y, len(Y[0])
    if labels is not None:
        loss, targets, times = torch.nn.CrossEntropyLoss(), labels, 1
    make = getattr(curvlinops, f"{kind}LinearOperator")
    batch = (torch.tensor(X), torch.tensor(targets))
    H = make(model, loss, list(model.parameters()), [batch], check_deterministic=False)
    return times * H.to_scipy()


def main():
    H = lv.hessian(problem, network)
    rng = np.random.default_rng(2)
    v, block = rng.standard_normal(size), rng.standard_normal((size, 32))
    torch, curvlinops, jax = peer("torch"), peer("curvlinops"), peer("jax")
    by_jax = jax_products(jax) if jax else None
    theirs, threads = None, 1
    if torch and curvlinops:
        make = partial(curvlinops_operator, torch, curvlinops)
        threads, _ = better(lambda count: repeat(partial(_product, make("Hessian", count), v)))
        theirs, their_G = make("Hessian", threads), make("GGN", threads)
    rows: Rows = {}
    for case, at in (("Hessian product, 1 vector", v), ("Hessian products, 32 vectors", block)):
        products = {"linvariance": partial(_product, H, at)}
        if by_jax:
            products["JAX on moments"] = partial(by_jax, at)
        if theirs is not None:
            products[f"curvlinops on samples, {threads} threads"] = partial(_product, theirs, at)
        agree({name: lambda _, f=f: [f()] for name, f in products.items()}, 1, 1e-10)
        rows |= table(case, race({name: repeat(f) for name, f in products.items()}))
    G = lv.curvature.gauss_newton(problem, network)
    products = {"linvariance": partial(_product, G, v)}
    if jax:
        products["JAX on moments"] = partial(jax_gauss_newton(jax), v)
    if theirs is not None:
        products[f"curvlinops on samples, {threads} threads"] = partial(_product, their_G, v)
    agree({name: lambda _, f=f: [f()] for name, f in products.items()}, 1, 1e-10)
    rows |= table("Gauss-Newton product, 1 vector", race({name: repeat(f) for name, f in products.items()}))
    labels = Y.argmax(axis=1)
    on_samples = lv.unconstrained(lv.Samples(X, labels, loss="cross_entropy", classes=len(Y[0])), rank=5)
    fishers = {"Fisher": (lv.curvature.fisher, "GGN"), "empirical Fisher": (lv.curvature.empirical_fisher, "EF")}
    for case, (ours, kind) in fishers.items():
        products = {"linvariance": partial(_product, ours(on_samples, network), v)}
        if theirs is not None:
            products[f"curvlinops, {threads} threads"] = partial(_product, make(kind, threads, labels), v)
        agree({name: lambda _, f=f: [f()] for name, f in products.items()}, 1, 1e-10)
        rows |= table(f"{case} product on samples", race({name: repeat(f) for name, f in products.items()}))
    measures = {"trace": H.trace, "diagonal": H.diagonal, "Frobenius norm": H.frobenius_norm}
    for case, measure in measures.items():
        exact = {"linvariance": measure, "from the dense Hessian": partial(_from_dense, H, case)}
        agree({name: lambda _, f=f: [f()] for name, f in exact.items()}, 1, 1e-12)
        rows |= table(case, race({name: repeat(f) for name, f in exact.items()}))
    searches = {"linvariance": partial(_top, H)}
    if by_jax:
        searches["JAX on moments"] = partial(_top, LinearOperator(H.shape, matvec=by_jax, dtype=float))
    if theirs is not None:
        searches[f"curvlinops on samples, {threads} threads"] = partial(_top, theirs)
    agree({name: lambda _, f=f: [f()] for name, f in searches.items()}, 1, 1e-7)
    rows |= table("top 10 eigenvalues by eigsh", race({name: repeat(f) for name, f in searches.items()}), "ms")
    rows |= table("dense Hessian", race({"linvariance": repeat(H.to_dense)}), "ms")
    store("curvature", rows)


def _product(H, v):
    return H @ v


def _from_dense(H, case):
    return {"trace": np.trace, "diagonal": np.diag, "Frobenius norm": np.linalg.norm}[case](H.to_dense())


def _top(H):
    return np.sort(eigsh(H, 10, v0=np.ones(size), return_eigenvectors=False))


if __name__ == "__main__":
    main()
