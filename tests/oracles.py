"""Slow NumPy twins that share no code with the package: the paper's formulas verbatim, sums written out, brute force.

The paper's letters and its orientation: columns are samples, X (d0, n), Y (dL, n), W (dL, d0).
A group is a list of dense matrices, one for each element; the package is never imported here.
"""

import itertools

import numpy as np
import scipy.linalg
import scipy.special

EPS = np.finfo(float).eps

# ---------------------------------------------------------------------------------------------------------- groups


def permutation_matrix(p):
    """rho with (rho x)[p[i]] = x[i]."""
    rho = np.zeros((len(p), len(p)))
    rho[np.asarray(p), np.arange(len(p))] = 1.0
    return rho


def enumerate_group(generators, limit=5000):
    """Every element of the group that the permutations generate, identity first, as index tuples (brute force)."""
    identity = tuple(range(len(generators[0])))
    seen, frontier = {identity: None}, [identity]
    while frontier:
        # (rho_q rho_p x)[q[p[i]]] = x[i]
        products = [tuple(int(q[i]) for i in p) for p in frontier for q in generators]
        frontier = [p for p in dict.fromkeys(products) if p not in seen]
        seen.update(dict.fromkeys(frontier))
        assert len(seen) <= limit, "the oracle is for small groups"
    return list(seen)


def matrices(permutations):
    return [permutation_matrix(p) for p in permutations]


def defect(generators):
    """G = [I - rho(g_1), ..., I - rho(g_M)]   (d0, M d0)."""
    return np.hstack([np.eye(len(rho)) - rho for rho in matrices(generators)])


def reynolds(elements):
    return sum(elements) / len(elements)


def averaged_moment(S, elements):
    return sum(rho @ S @ rho.T for rho in elements) / len(elements)


def invariant_basis(elements):
    """Orthonormal rows that span the invariants: eigenvectors of the Reynolds projector for the eigenvalue 1."""
    eigenvalues, vectors = np.linalg.eigh(reynolds(elements))
    return vectors[:, eigenvalues > 0.5].T


def orbits(permutations, dim):
    """Label of each index: the smallest index it is moved to."""
    return np.array([min(p[i] for p in permutations) for i in range(dim)])


def orbitals(permutations, dim):
    """Label of each pair (i, j): the smallest pair it is moved to, row-major."""
    return np.array([[min(p[i] * dim + p[j] for p in permutations) for j in range(dim)] for i in range(dim)])


def rotated(image):
    """A square image turned by 90 degrees counter-clockwise, entry by entry."""
    n = len(image)
    return np.array([[image[j, n - 1 - i] for j in range(n)] for i in range(n)])


# ---------------------------------------------------------------------------------------------------------- losses


def loss_plain(W, X, Y):
    n = X.shape[1]
    return sum(float(np.sum((W @ X[:, i] - Y[:, i]) ** 2)) for i in range(n)) / n


def loss_regularized(W, X, Y, G, strength):
    return loss_plain(W, X, Y) + strength * float(np.sum((W @ G) ** 2))


def loss_augmented(W, X, Y, elements):
    return sum(loss_plain(W, rho @ X, Y) for rho in elements) / len(elements)


def augmented_set(X, Y, elements):
    return np.hstack([rho @ X for rho in elements]), np.hstack([Y] * len(elements))


def penalized_set(X, Y, G, strength):
    """Columns whose plain squared loss, over the *original* n, is the regularized loss."""
    n = X.shape[1]
    return np.hstack([X, np.sqrt(n * strength) * G]), np.hstack([Y, np.zeros((len(Y), G.shape[1]))])


# --------------------------------------------------------------------------------- the paper's formulas, verbatim


def root(A, power):
    """A^power of a symmetric positive definite matrix."""
    eigenvalues, vectors = np.linalg.eigh(A)
    return (vectors * eigenvalues**power) @ vectors.T


def best_rank(Z, r):
    """[Z]_r"""
    U, s, Vt = np.linalg.svd(Z, full_matrices=False)
    return (U[:, :r] * s[:r]) @ Vt[:r]


def theorem_6(X, Y, G, r):
    """Hard-wired: (W, Z)."""
    half = root(X @ X.T, -0.5)
    P = half @ G
    Z = Y @ X.T @ half @ (np.eye(len(X)) - P @ np.linalg.pinv(P))
    return best_rank(Z, r) @ half, Z


def proposition_8(X, Y, G, r, strength):
    """Regularized: (W, Z)."""
    half = root(X @ X.T + X.shape[1] * strength * G @ G.T, -0.5)
    Z = Y @ X.T @ half
    return best_rank(Z, r) @ half, Z


def proposition_11(X, Y, elements, r):
    """Augmented: (W, Z)."""
    half = root(sum(rho @ X @ X.T @ rho.T for rho in elements), -0.5)
    Z = sum(Y @ X.T @ rho.T for rho in elements) @ half
    return best_rank(Z, r) @ half, Z


# --------------------------------------------------------------------------------------------- optima by factoring


def reduced_rank(A, Y, r, n=None, scale=None):
    """min ‖V A - Y‖²/n over rank(V) <= r for any A (d, n): (minimum-norm V, loss, singular values of Z/√n).

    Y is projected on the row space of A, found by an SVD of A itself (no Gram matrix); the residual is summed.
    Singular values of A below its rounding count as zero; `scale` is that of what A was computed from.
    """
    n = A.shape[1] if n is None else n
    U, s, Qt = np.linalg.svd(A, full_matrices=False)
    keep = s > rounding(A, scale)
    U, s, Qt = U[:, keep], s[keep], Qt[keep]
    Z = Y @ Qt.T
    fitted = best_rank(Z, r)
    loss = float(np.sum((fitted @ Qt - Y) ** 2)) / n
    return (fitted / s) @ U.T, loss, np.linalg.svd(Z, compute_uv=False) / np.sqrt(n)


def rounding(A, scale=None):
    """Below it a singular value of A is rounding: 10 max(m, n) eps ‖A‖, or ‖·‖ of what A was computed from."""
    return 10 * max(A.shape) * EPS * max(np.linalg.norm(A) if scale is None else scale, 1e-300)


def qr_solution(X, Y):
    """The unconstrained least-squares W by a Householder QR with column pivoting of Xᵀ (full row rank)."""
    Q, R, pivots = scipy.linalg.qr(X.T, mode="economic", pivoting=True)
    W = np.empty((len(Y), len(X)))
    W[:, pivots] = scipy.linalg.solve_triangular(R, Q.T @ Y.T).T
    return W


def all_truncations(Z, r):
    """Every critical value of ‖Z - W‖² over rank(W) <= r: the sum of the singular values left out, squared."""
    s = np.linalg.svd(Z, compute_uv=False)
    s = s[s > max(Z.shape) * EPS * s[0]]
    total = float(np.sum(s**2))
    return sorted(total - sum(s[list(kept)] ** 2) for kept in itertools.combinations(range(len(s)), min(r, len(s))))


def proximal_gradient(A, Y, n, strength, steps=20000):
    """min ‖V A - Y‖²/n + strength·‖V‖_* from 0 by FISTA with restarts; stopped where it stands still."""
    V = ahead = np.zeros((len(Y), len(A)))
    rate, momentum = 1 / max(2 * np.linalg.norm(A @ A.T, 2) / n, 1e-300) if A.size else 1.0, 1.0
    for _ in range(steps):
        U, s, Wt = np.linalg.svd(ahead - rate * 2 / n * (ahead @ A - Y) @ A.T, full_matrices=False)
        new = (U * np.maximum(s - rate * strength, 0)) @ Wt
        step = new - V
        if np.sum((ahead - new) * step) > 0:
            momentum = 1.0
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        V, ahead, momentum = new, new + (momentum - 1) / following * step, following
        if np.linalg.norm(step) <= 1e-13 * np.linalg.norm(V):
            break
    return V


# ------------------------------------------------------------------------------------------------------- the chain


def product(weights):
    """W = W_L ... W_1"""
    W = weights[0]
    for layer in weights[1:]:
        W = layer @ W
    return W


def chain_gradient(weights, X, Y, n=None):
    """d/dW_j of ‖W_L ... W_1 X - Y‖²/n by back-propagation over the samples (analytic: complex weights are fine)."""
    n = X.shape[1] if n is None else n
    activations = [X]
    for layer in weights:
        activations.append(layer @ activations[-1])
    signal = 2.0 / n * (activations[-1] - Y)
    gradients = []
    for layer, below in zip(reversed(weights), reversed(activations[:-1]), strict=True):
        gradients.append(signal @ below.T)
        signal = layer.T @ signal
    return gradients[::-1]


def hessian_product(weights, direction, X, Y, n=None, step=1e-30):
    """Hessian-vector product by a complex step on the gradient: no subtraction, hence no truncation."""
    shifted = [w + 1j * step * v for w, v in zip(weights, direction, strict=True)]
    return [g.imag / step for g in chain_gradient(shifted, X, Y, n)]


def joined(arrays):
    return np.concatenate([np.ravel(a) for a in arrays]) if arrays else np.zeros(0)


def split_like(vector, weights):
    ends = np.cumsum([w.size for w in weights])[:-1]
    return [part.reshape(w.shape) for part, w in zip(np.split(vector, ends), weights, strict=True)]


def pytorch_init(widths, seed):
    """U(-1/√fan_in, 1/√fan_in), layer by layer from W_1, row-major."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1 / np.sqrt(a), 1 / np.sqrt(a), (b, a)) for a, b in itertools.pairwise(widths)]


# ------------------------------------------------------------------------------ samples: any activation, either loss


def logistic(a):
    return 1 / (1 + np.exp(-a))


def normal(a):
    """The distribution function of N(0, 1), of complex arguments too."""
    return scipy.special.erfc(-a / np.sqrt(2)) / 2


PHI = {
    # name: (φ, φ'), analytic but for kinks, so that a complex step sees through them
    "identity": (lambda a: a, np.ones_like),
    "relu": (lambda a: np.where(a.real > 0, a, 0), lambda a: np.where(a.real > 0, 1.0, 0.0)),
    "leaky_relu": (lambda a: np.where(a.real > 0, a, 0.01 * a), lambda a: np.where(a.real > 0, 1.0, 0.01)),
    "swish": (lambda a: a * logistic(a), lambda a: logistic(a) * (1 + a * (1 - logistic(a)))),
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "gelu": (lambda a: a * normal(a), lambda a: normal(a) + a * np.exp(-a * a / 2) / np.sqrt(2 * np.pi)),
}


def squared(O, Y):
    """(Σ‖o - y‖², its gradient)"""
    return np.sum((O - Y) ** 2), 2 * (O - Y)


def cross_entropy(O, Y):
    """(-Σ log softmax(o)[y], its gradient) for one-hot Y."""
    shifted = O - O.real.max(axis=0)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=0)
    return np.sum(np.log(np.exp(shifted).sum(axis=0))) - np.sum(shifted * Y), p - Y


def parted(weights):
    """The layers among [W_1, ..., W_L, b_1, ..., b_L], and what they add: columns (d_j, 1), or 0 without biases."""
    layers = [w for w in weights if w.ndim == 2]
    return layers, [b[:, None] for b in weights[len(layers) :]] or [0.0] * len(layers)


def network_gradient(weights, X, Y, elements, phi="identity", loss=squared, pooled=False, P=None, rows=None):
    """(loss, gradients) on the literal augmented data, sample by sample the same mean; complex weights are fine.

    weights: the layers, and after them biases or none.
    pooled: the first hidden layer is averaged over the elements instead. P: the penalty tr(W P Wᵀ). rows: of the
    augmented data, element by element, each with all samples; all of them unless given.
    """
    biased = weights[-1].ndim == 1
    weights, shifts = parted(weights)
    phi, slope = PHI[phi if len(weights) > 1 else "identity"]
    moved = [rho @ X for rho in elements]
    inputs, targets = (moved, Y) if pooled else ([np.hstack(moved)], np.hstack([Y] * len(elements)))
    if rows is not None:
        inputs, targets = [x[:, rows] for x in inputs], targets[:, rows]
    A = [weights[0] @ x + shifts[0] for x in inputs]
    H, pre = [sum(phi(a) for a in A) / len(A)], [None]
    for W, shift in zip(weights[1:], shifts[1:], strict=True):
        pre.append(W @ H[-1] + shift)
        H.append(phi(pre[-1]))
    value, signal = loss(pre[-1] if len(weights) > 1 else H[0], targets)
    gradients, of_biases = [], []
    for j in range(len(weights) - 1, 0, -1):
        gradients.append(signal @ H[j - 1].T)
        of_biases.append(signal.sum(axis=1))
        signal = weights[j].T @ signal * (1 if j == 1 else slope(pre[j - 1]))
    gradients.append(sum((signal * slope(a)) @ x.T for a, x in zip(A, inputs, strict=True)) / len(A))
    of_biases.append(sum((signal * slope(a)).sum(axis=1) for a in A) / len(A))
    value, gradients = value / targets.shape[1], [g / targets.shape[1] for g in gradients[::-1]]
    of_biases = [g / targets.shape[1] for g in of_biases[::-1]]
    if P is not None:
        W = product(weights)
        value = value + np.sum(W @ P * W)
        for j, g in enumerate(gradients):
            after = product([np.eye(len(weights[j])), *weights[j + 1 :]])
            before = product([np.eye(len(P)), *weights[:j]])
            g += after.T @ (2 * W @ P) @ before.T
    return value, gradients + of_biases * biased


def network_outputs(weights, X, elements, phi="identity", pooled=False):
    """(dL, rows) on the literal augmented data; complex weights are fine."""
    weights, shifts = parted(weights)
    phi = PHI[phi if len(weights) > 1 else "identity"][0]
    moved = [rho @ X for rho in elements]
    A = [weights[0] @ x + shifts[0] for x in (moved if pooled else [np.hstack(moved)])]
    H = sum(phi(a) for a in A) / len(A)
    for W, shift in zip(weights[1:-1], shifts[1:-1], strict=True):
        H = phi(W @ H + shift)
    return weights[-1] @ H + shifts[-1] if len(weights) > 1 else H


def gauss_newton(weights, outputs, loss, Y):
    """Mean of f'ᵀ ℓ'' f' (N, N) over the columns of outputs(weights) (dL, rows), both by complex steps."""
    J = np.stack([complex_step(outputs, weights, v) for v in units(weights)])  # (N, dL, rows)
    O = outputs(weights)
    curvature = np.stack(
        [complex_step(lambda o: loss(o[0], Y)[1], [O], [k * np.ones_like(O)]) for k in np.eye(len(O))[:, :, None]]
    )
    return np.einsum("aki,kli,bli->ab", J, curvature, J, optimize=True) / O.shape[1]


def units(weights):
    """The unit vectors of weight space, in the shapes of the layers."""
    return [split_like(v, weights) for v in np.eye(sum(w.size for w in weights))]


def complex_step(f, weights, direction, step=1e-30):
    """Derivative of f(weights) -> arrays along a direction: no subtraction, hence no truncation."""
    shifted = [w + 1j * step * v for w, v in zip(weights, direction, strict=True)]
    return [np.imag(out) / step for out in f(shifted)]


def batched(weights, order, size, optimizer, gradient):
    """The states before each epoch and after the last: every epoch of `order` (epochs, rows), `size` rows a step."""
    states = [weights]
    for epoch in order:
        for start in range(0, len(epoch), size):
            weights = optimizer.step(weights, gradient(weights, epoch[start : start + size]))
        states.append(weights)
    return states


# ------------------------------------------------------------------------------------------- PyTorch's optimizers


class Adam:
    """torch.optim.Adam, or AdamW if decoupled, one list of arrays at a time."""

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
        self.lr, self.betas, self.eps, self.t, self.m, self.v = lr, betas, eps, 0, None, None
        self.weight_decay, self.decoupled = weight_decay, decoupled

    def step(self, weights, gradients):
        if self.decoupled:
            weights = [(1 - self.lr * self.weight_decay) * w for w in weights]
        else:
            gradients = [g + self.weight_decay * w for g, w in zip(gradients, weights, strict=True)]
        if self.m is None:
            self.m = [np.zeros_like(w) for w in weights]
            self.v = [np.zeros_like(w) for w in weights]
        self.t += 1
        b1, b2 = self.betas
        self.m = [m + (1 - b1) * (g - m) for m, g in zip(self.m, gradients, strict=True)]
        self.v = [b2 * v + (1 - b2) * g * g for v, g in zip(self.v, gradients, strict=True)]
        rate, correction = self.lr / (1 - b1**self.t), np.sqrt(1 - b2**self.t)
        return [
            w - rate * m / (np.sqrt(v) / correction + self.eps) for w, m, v in zip(weights, self.m, self.v, strict=True)
        ]


class SGD:
    """torch.optim.SGD: the buffer starts as the first gradient, no dampening, no Nesterov."""

    def __init__(self, lr, momentum=0.0, weight_decay=0.0):
        self.lr, self.momentum, self.weight_decay, self.buffer = lr, momentum, weight_decay, None

    def step(self, weights, gradients):
        gradients = [g + self.weight_decay * w for g, w in zip(gradients, weights, strict=True)]
        old = self.buffer
        self.buffer = gradients if old is None else [self.momentum * b + g for b, g in zip(old, gradients, strict=True)]
        return [w - self.lr * b for w, b in zip(weights, self.buffer, strict=True)]


def descend(weights, X, Y, optimizer, epochs, n=None):
    """The list of states before each update and after the last: epochs + 1 lists of weights."""
    states = [weights]
    for _ in range(epochs):
        states.append(optimizer.step(states[-1], chain_gradient(states[-1], X, Y, n)))
    return states


# ---------------------------------------------------------------------------------------------- invariance measures


def frozen_and_seen(W, S, elements):
    """W (I - Pi) on the null space of the averaged moment (eigenvalues <= d0 eps λ₁), and off it."""
    perp = W - W @ reynolds(elements)
    eigenvalues, vectors = np.linalg.eigh(averaged_moment(S, elements))
    null = vectors[:, eigenvalues <= len(S) * EPS * eigenvalues[-1]]
    frozen = perp @ null @ null.T
    return frozen, perp - frozen


def augmented_accuracy(W, X, labels, elements):
    """The fraction of pairs (sample, element) whose largest output is the label's."""
    hits = [np.argmax(W @ rho @ X[:, i]) == labels[i] for rho in elements for i in range(X.shape[1])]
    return float(np.mean(hits))


def invariance_error(f, x, elements):
    """ε_inv(f, x) = E_g[(1 - f(g x)/f̄(x))²], f̄(x) = E_g f(g x), for a scalar function f."""
    values = np.array([f(rho @ x) for rho in elements])
    return float(np.mean((1 - values / values.mean()) ** 2))


# --------------------------------------------------------------------------------------------------------- kernels

# Of complex arguments too, for derivatives by complex steps.
ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: z * (z.real > 0),
    "leaky_relu": lambda z: z * np.where(z.real > 0, 1, 0.01),
    "swish": lambda z: z / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "gelu": lambda z: z * normal(z),
}


def slope(name, z):
    return ACTIVATIONS[name](z + 1e-30j).imag / 1e-30


def expectation(f, r, r2, theta, kinks):
    """E f(r u, r2 (u cos θ + v sin θ)) for independent u, v ~ N(0, 1).

    With kinks f must be homogeneous of degree 0 or 2 in (r, r2): then polar coordinates, piece by piece. Else the
    trapezoidal rule in both variables, which converges geometrically.
    """
    if not kinks:
        h = 0.15 / (1 + max(r, r2))
        u = h * np.arange(-int(13 / h), int(13 / h) + 1)
        weights = h * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
        return weights @ f(r * u[:, None], r2 * (np.cos(theta) * u[:, None] + np.sin(theta) * u)) @ weights
    edges = np.unique([0.0, 2 * np.pi, *((a + b) % (2 * np.pi) for a in (0, theta) for b in (np.pi / 2, -np.pi / 2))])
    nodes, weights = np.polynomial.legendre.leggauss(20)
    total = 0.0
    for a, b in itertools.pairwise(edges):
        angles = (a + b) / 2 + (b - a) / 2 * nodes
        total += (b - a) / 2 * weights @ f(r * np.cos(angles), r2 * np.cos(angles - theta))
    return total / (2 * np.pi)


def tangent_kernel(name, x, x2):
    """E φ(wᵀx) φ(wᵀx') + xᵀx' E φ'(wᵀx) φ'(wᵀx'), w ~ N(0, I), of one pair that is not zero."""
    r, r2 = np.linalg.norm(x), np.linalg.norm(x2)
    theta = 2 * np.arctan2(np.linalg.norm(x / r - x2 / r2), np.linalg.norm(x / r + x2 / r2))
    phi, kinks = ACTIVATIONS[name], name in ("identity", "relu", "leaky_relu")
    values = expectation(lambda z, z2: phi(z) * phi(z2), r, r2, theta, kinks)
    slopes = expectation(lambda z, z2: slope(name, z) * slope(name, z2), r, r2, theta, kinks)
    return (2 if kinks else 1) * values + x @ x2 * slopes  # E ρ² = 2 for the squared radius of (u, v)


def convolutional_network(name, W, a, x, elements):
    """f(x) = m^{-1/2} Σ a_i mean_g φ(w_iᵀ ρ(g) x)."""
    phi = ACTIVATIONS[name]
    return sum(a @ phi(W @ (rho @ x)) for rho in elements) / (len(elements) * np.sqrt(len(a)))


def gradient_of_network(name, W, a, x, elements, step=1e-30):
    """All derivatives of f(x) in (W, a), one complex step for each."""
    theta, m = np.r_[W.ravel(), a], len(a)
    out = np.empty_like(theta)
    for k in range(len(theta)):
        moved = theta.astype(complex)
        moved[k] += 1j * step
        out[k] = convolutional_network(name, moved[:-m].reshape(W.shape), moved[-m:], x, elements).imag / step
    return out


def augmented_regression(K, X, Y, elements, strength=0.0):
    """α of kernel regression on the augmented rows (ρ(g)x_i, y_i), and these rows; strength·I is added."""
    rows, targets = np.vstack([X @ rho.T for rho in elements]), np.vstack([Y] * len(elements))
    gram = K(rows, rows)
    if strength:
        return np.linalg.solve(gram + strength * np.eye(len(rows)), targets), rows
    return np.linalg.pinv(gram, rcond=len(rows) * 1e-13, hermitian=True) @ targets, rows
