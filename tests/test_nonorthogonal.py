"""Groups that are not orthogonal: the three problems against literal sums, and Theorem 12 without orthogonality."""

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage

import linvariance as lv
import oracles
import zoo
from tolerances import bounded, close

# Those with invariants, so that there is something to learn.
BASES = {
    "S4": zoo.S4,
    "C3 and a line": zoo.block([zoo.turn(2 * np.pi / 3)], [np.eye(1)]),
    "D5 and two lines": zoo.block(zoo.D(5), [np.eye(2)] * 2),
    "translations": (zoo.perm([3, 4, 5, 0, 1, 2]), zoo.perm([1, 2, 0, 4, 5, 3])),
    "Q8 and a line": zoo.block(zoo.Q8, [np.eye(1)] * 2),
}


class Data:
    def __init__(self, name, seed, samples, condition=4.0):
        rng = self.rng = np.random.default_rng([len(name), seed])
        base = BASES[name]
        self.dim, self.n = len(base[0]), samples
        self.T = zoo.skewed(self.dim, condition, seed)
        seen = lambda g: np.linalg.solve(self.T, g @ self.T)  # noqa: E731
        self.generators = [seen(g) for g in base]
        self.elements = [seen(g) for g in zoo.enumerate_matrices(base)]
        self.rep = lv.groups.change_of_basis(lv.groups.matrices(base), self.T)
        self.X, self.Y = rng.standard_normal((self.dim, samples)), rng.standard_normal((3, samples))
        self.Y += rng.standard_normal((3, self.dim)) @ oracles.reynolds(self.elements) @ self.X
        self.m, self.c = lv.Moments.from_data(self.X.T, self.Y.T), float(np.sum(self.Y**2)) / samples

    @property
    def tolerance(self):
        s = np.linalg.svd(self.X, compute_uv=False)
        return {"dims": max(self.dim, self.n), "condition": np.linalg.cond(self.T) ** 2 * (s[0] / s[-1]) ** 2}

    def hard(self, rank):
        """(W, loss): least squares on B x, B from the row space of the mean."""
        Pi = oracles.reynolds(self.elements)
        B = np.linalg.svd(Pi)[2][: round(float(np.trace(Pi)))]
        V, loss, _ = oracles.reduced_rank(B @ self.X, self.Y, rank, scale=np.linalg.norm(self.X))
        return V @ B, loss


EVERY = pytest.mark.parametrize("name", BASES)


@EVERY
@pytest.mark.parametrize("samples", [1, 3, 30])
def test_losses_and_gradients_are_the_literal_sums(name, samples):
    d = Data(name, 1, samples)
    W = d.rng.standard_normal((3, d.dim))
    G = np.hstack([np.eye(d.dim) - g for g in d.generators])
    A, Y = oracles.augmented_set(d.X, d.Y, d.elements)
    P, Z = oracles.penalized_set(d.X, d.Y, G, 0.7)
    for problem, loss, inputs, targets, count in (
        (lv.augmented(d.m, d.rep, rank=2), oracles.loss_augmented(W, d.X, d.Y, d.elements), A, Y, A.shape[1]),
        (lv.regularized(d.m, d.rep, rank=2, strength=0.7), oracles.loss_regularized(W, d.X, d.Y, G, 0.7), P, Z, d.n),
    ):
        condition = np.linalg.cond(d.T) ** 2
        bounded(
            f"non-orthogonal: {problem.method} loss",
            abs(problem.loss(W) - loss),
            norms=loss + d.c,
            dims=(d.dim, d.n),
            condition=condition,
        )
        gradient = oracles.chain_gradient([W], inputs, targets, count)[0]
        close(
            f"non-orthogonal: {problem.method} gradient",
            problem.gradient(W),
            gradient,
            norms=np.linalg.norm(gradient) + loss,
            dims=(d.dim, d.n),
            condition=condition,
        )


@EVERY
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("samples", [1, 3, 30])
def test_theorem_12_without_orthogonality(name, rank, samples):
    d = Data(name, rank, samples)
    hard, augmented = (lv.solve(pose(d.m, d.rep, rank=rank)) for pose in (lv.hard_wired, lv.augmented))
    W, loss = d.hard(rank)
    A, Y = oracles.augmented_set(d.X, d.Y, d.elements)
    literal = oracles.reduced_rank(A, Y, rank)[1]
    kept = d.tolerance
    bounded("non-orthogonal: hard-wired loss", abs(hard.loss - loss), norms=d.c, **kept)
    bounded("non-orthogonal: augmented loss", abs(augmented.loss - literal), norms=d.c, **kept)
    bounded("non-orthogonal: theorem 12, losses", abs(loss - literal), norms=d.c, **kept)
    for solution in (hard, augmented):
        V = solution.weights
        found = oracles.loss_augmented(V, d.X, d.Y, d.elements)
        bounded("non-orthogonal: loss of the weights", abs(found - literal), norms=d.c, **kept)
        for g in d.generators:
            close(
                "non-orthogonal: invariant weights",
                V @ g,
                V,
                norms=np.linalg.norm(V),
                dims=d.dim,
                condition=np.linalg.cond(d.T) ** 2,
            )
        assert np.linalg.matrix_rank(V, tol=1e-9 * np.linalg.norm(V)) <= rank
    assert hard.least_norm
    assert augmented.least_norm is False
    if samples > d.dim:
        close(
            "non-orthogonal: hard-wired weights",
            hard.weights,
            W,
            norms=np.linalg.norm(W),
            dims=kept["dims"],
            condition=1e3 * kept["condition"],
        )
        close(
            "non-orthogonal: theorem 12, weights",
            augmented.weights,
            hard.weights,
            norms=np.linalg.norm(W),
            dims=kept["dims"],
            condition=1e3 * kept["condition"],
        )


@EVERY
def test_orthogonal_ones_claim_the_least_norm(name):
    d = Data(name, 1, 3)
    rep = d.rep.orthogonal_form[0]
    assert lv.solve(lv.augmented(d.m, rep, rank=1)).least_norm is True


@EVERY
@pytest.mark.parametrize("strength", [0.01, 1.0, 1e4])
def test_regularized_optimum(name, strength):
    d = Data(name, 5, 30)
    G = np.hstack([np.eye(d.dim) - g for g in d.generators])
    A, Y = oracles.penalized_set(d.X, d.Y, G, strength)
    for rank in (1, 3):
        W, loss, _ = oracles.reduced_rank(A, Y, rank, n=d.n)
        solution = lv.solve(lv.regularized(d.m, d.rep, rank=rank, strength=strength))
        condition = np.linalg.cond(A) ** 2
        bounded(
            "non-orthogonal: regularized loss", abs(solution.loss - loss), norms=d.c, dims=A.shape, condition=condition
        )
        close(
            "non-orthogonal: regularized weights",
            solution.weights,
            W,
            norms=np.linalg.norm(W),
            dims=A.shape,
            condition=1e3 * condition,
        )


@EVERY
def test_a_strong_penalty_gives_the_invariant_optimum(name):
    d = Data(name, 6, 30)
    W, _ = d.hard(2)
    strong = lv.solve(lv.regularized(d.m, d.rep, rank=2, strength=1e13)).weights
    np.testing.assert_allclose(strong, W, atol=1e-8 * np.linalg.norm(W))


@EVERY
def test_training_descends_towards_the_augmented_optimum(name):
    d = Data(name, 7, 30, condition=2.0)
    problem = lv.augmented(d.m, d.rep, rank=3)
    rate = 0.02 / np.linalg.eigvalsh(problem.quadratic.moment)[-1]  # the factors of W steepen the loss
    trace = lv.train(problem, epochs=500, optimizer=lv.GradientDescent(lr=rate), record=lv.Record(every=100))
    best = lv.solve(problem).loss
    assert (np.diff(trace.loss) <= 1e-12).all()
    assert best - 1e-12 <= trace.loss[-1] < trace.loss[0]


# ---------------------------------------------------------------------------------- what is not a compact group


def rotated_images(size, angle, **options):
    """The matrix of scipy's bilinear rotation, column by column from unit images."""
    unit = np.eye(size * size).reshape(-1, size, size)
    turned = [scipy.ndimage.rotate(image, angle, reshape=False, order=1, **options).ravel() for image in unit]
    return np.stack(turned, axis=1)


@pytest.mark.parametrize(("size", "angle"), [(8, 45), (8, 10), (14, 30), (9, 45)])
@pytest.mark.parametrize("mode", ["constant", "nearest", "grid-wrap"])
def test_bilinear_rotation_is_no_group(size, angle, mode):
    """Refused, and the sentence says that interpolation is the reason and what to use instead."""
    with pytest.raises(ValueError, match=r"generators\[0\].*image_rotations"):
        lv.groups.matrices([rotated_images(size, angle, mode=mode)])


def test_a_quarter_turn_by_scipy_is_a_permutation():
    rep = lv.groups.matrices([np.round(rotated_images(6, 90), 12)])
    assert set(map(bytes, rep.elements())) == set(map(bytes, lv.groups.image_rotations(6).elements()))


NOT_COMPACT = {
    "shear": [[[1.0, 1.0], [0.0, 1.0]]],
    "small shear": [[[1.0, 1e-3], [0.0, 1.0]]],
    "shear of space": [[[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]],
    "shear of four dimensions": [np.eye(4) + np.eye(4, k=1)],
    "shear and sign": [scipy.linalg.block_diag([[1.0, 1.0], [0.0, 1.0]], -1.0)],
    "turning shear": [np.kron([[1.0, 1.0], [0.0, 1.0]], zoo.turn(1.0))],
    "stretch": [np.diag([2.0, 0.5])],
    "growth": [2 * zoo.turn(1.0)],
    "slow growth": [1.0001 * np.eye(2)],
    "two mirrors, hyperbolic": [[[1.0, 0.0], [0.0, -1.0]], [[1.0, 2.0], [0.0, -1.0]]],
    "two mirrors, a translation": [[[-1.0, 2.0], [0.0, 1.0]], [[1.0, 0.0], [2.0, -1.0]]],
    "two mirrors, far": [[[-1.0, 3.0], [0.0, 1.0]], [[1.0, 0.0], [3.0, -1.0]]],
    "two turns in two bases": [
        zoo.turn(1.0),
        np.linalg.solve(np.diag([1.0, 3.0]), zoo.turn(1.0) @ np.diag([1.0, 3.0])),
    ],
    "SL(2, Z)": [[[0.0, -1.0], [1.0, 0.0]], [[0.0, -1.0], [1.0, 1.0]]],
}


@pytest.mark.parametrize("name", NOT_COMPACT)
def test_not_compact(name):
    with pytest.raises(ValueError, match=r"^generators.*compact"):
        lv.groups.matrices(NOT_COMPACT[name])


@pytest.mark.parametrize("condition", [1.0, 10.0, 100.0, 1000.0])
def test_the_inner_product_is_found_to_full_accuracy(condition):
    """T⁻¹ρT given as bare matrices: generators come back, S̄ is the mean over the seven, within cond(T)² eps."""
    T = zoo.skewed(2, condition)
    g = np.linalg.solve(T, zoo.turn(2 * np.pi / 7) @ T)
    rep, S = lv.groups.matrices([g]), np.diag([1.0, 3.0])
    kept = {"dims": 2, "condition": condition**2}
    close("found inner product: generators", rep.matrices()[0], g, norms=np.linalg.norm(g), **kept)
    elements = [np.linalg.solve(T, zoo.turn(2 * np.pi * k / 7) @ T) for k in range(7)]
    mean = np.mean([r @ S @ r.T for r in elements], axis=0)
    close("found inner product: S̄", rep.average_moment(S), mean, norms=np.linalg.norm(mean), **kept)
    assert rep.order() == 7


@pytest.mark.parametrize("condition", [10.0, 1000.0])
@pytest.mark.parametrize("name", BASES)
def test_copies_and_invariants_survive_a_bad_basis(name, condition):
    """Eigenvalues that the condition of the basis splits count as one: no invariant is lost, S̄ is the mean."""
    base = BASES[name]
    T = zoo.skewed(len(base[0]), condition, 3)
    elements = np.stack([np.linalg.solve(T, g @ T) for g in zoo.enumerate_matrices(base)])
    _compare_averages("found finite group", lv.groups.matrices([np.linalg.solve(T, g @ T) for g in base]), elements, T)


def _compare_averages(claim, rep, elements, T):
    S = np.random.default_rng(1).standard_normal((len(T), len(T)))
    mean = np.mean([g @ S @ g.T for g in elements], axis=0)
    kept = {"dims": len(T), "condition": np.linalg.cond(T) ** 2}
    close(f"{claim}: S̄", rep.average_moment(S), mean, norms=np.linalg.norm(mean), **kept)
    Pi = np.mean(elements, axis=0)
    close(f"{claim}: Π", rep.project(np.eye(len(T))), Pi, norms=max(1.0, np.linalg.norm(Pi)), **kept)
    assert len(rep.invariant_basis()) == round(float(np.trace(Pi)))


# --------------------------------------------------------------------------- Lie algebras that are skew in some basis


def spin(i, j, n):
    """The infinitesimal rotation of the plane (i, j) in n dimensions."""
    A = np.zeros((n, n))
    A[i, j], A[j, i] = -1.0, 1.0
    return A


J, SPACE = spin(0, 1, 2), (spin(0, 1, 3), spin(1, 2, 3))
LINE = [np.zeros((1, 1))] * 2
ALGEBRAS = {
    # (algebra, discrete), skew and orthogonal
    "SO(2)": ((J,), ()),
    "SO(2), rates 1 and 2, a line": ((scipy.linalg.block_diag(J, 2 * J, 0),), ()),
    "SO(2), three copies, two lines": ((scipy.linalg.block_diag(J, J, J, 0, 0),), ()),
    "two irrational rates": ((scipy.linalg.block_diag(J, np.sqrt(2) * J),), ()),
    "O(2)": ((J,), (np.diag([1.0, -1.0]),)),
    "SO(3)": (SPACE, ()),
    "SO(3), two copies and a line": (zoo.block(SPACE, SPACE, LINE), ()),
    "O(4)": ((spin(0, 1, 4), spin(1, 2, 4), spin(2, 3, 4)), (np.diag([1.0, 1.0, 1.0, -1.0]),)),
    "SU(2)": ((zoo.quaternion(0, 1, 0, 0), zoo.quaternion(0, 0, 1, 0)), ()),
    "torus and swap, rates 1 and 30": (
        (scipy.linalg.block_diag(J, 30 * J), scipy.linalg.block_diag(30 * J, J)),
        (np.kron([[0.0, 1.0], [1.0, 0.0]], np.eye(2)),),
    ),
    "matrices of SO(3)": (tuple(np.kron(A, np.eye(3)) + np.kron(np.eye(3), A) for A in SPACE), (-np.eye(9),)),
}


def turned(name, condition, seed=0):
    """(the group found from bare matrices, the same by change_of_basis, T)."""
    algebra, discrete = ALGEBRAS[name]
    T = zoo.skewed(len(algebra[0]), condition, seed)
    found = lv.groups.lie(*([np.linalg.solve(T, A @ T) for A in part] for part in (algebra, discrete)))
    return found, lv.groups.change_of_basis(lv.groups.lie(algebra, discrete), T), T


@pytest.mark.parametrize("condition", [2.0, 1000.0])
@pytest.mark.parametrize("name", ALGEBRAS)
def test_an_algebra_that_is_skew_in_another_basis(name, condition):
    rep, known, T = turned(name, condition)
    kept = {"dims": len(T), "condition": np.linalg.cond(T) ** 2}
    S = np.random.default_rng(2).standard_normal((len(T), len(T)))
    assert len(rep.invariant_basis()) == len(known.invariant_basis())
    for claim, f in (
        ("algebra", lambda r: r.algebra),
        ("discrete", lambda r: r.matrices()),
        ("S̄", lambda r: r.average_moment(S)),
        ("Π", lambda r: r.project(np.eye(len(T)))),
        ("GGᵀ", lambda r: r.penalty_matrix()),
    ):
        found, expected = f(rep), f(known)
        close(f"found Lie group: {claim}", found, expected, norms=max(1.0, np.linalg.norm(expected)), **kept)
    orthogonal = rep.orthogonal_form[0]
    assert lv.groups.isotypic(orthogonal).commutant_dimension == known.orthogonal_form[0].commutant_dimension()


@pytest.mark.parametrize("name", ALGEBRAS)
def test_problems_with_a_found_lie_group(name):
    """All three problems, and Theorem 12, as with the group whose good basis is known."""
    rep, known, T = turned(name, 10.0)
    rng = np.random.default_rng(3)
    m = lv.Moments.from_data(rng.standard_normal((30, len(T))), rng.standard_normal((30, 2)))
    kept = {"norms": m.yy, "dims": 30, "condition": np.linalg.cond(T) ** 2}
    for pose in (lv.hard_wired, lv.augmented, lambda *a, **k: lv.regularized(*a, strength=0.1, **k)):
        for rank in (1, 2):
            found, expected = (lv.solve(pose(m, r, rank=rank)) for r in (rep, known))
            bounded("found Lie group: losses", abs(found.loss - expected.loss), **kept)
    hard, augmented = (lv.solve(pose(m, rep, rank=1)).weights for pose in (lv.hard_wired, lv.augmented))
    close("found Lie group: theorem 12", hard, augmented, **{**kept, "norms": 1.0})


@pytest.mark.parametrize("name", ALGEBRAS)
def test_found_lie_groups_combine(name):
    rep, known, T = turned(name, 10.0)
    n = len(T)
    other = lv.groups.lie(*ALGEBRAS[name])
    R = zoo.skewed(n, 3.0, 7)
    for claim, make, size in (
        ("sum", lambda r: lv.groups.direct_sum(r, other), 2 * n),
        ("product", lambda r: lv.groups.tensor_product(r, other), n * n),
        ("dual", lv.groups.dual, n),
        ("basis", lambda r: lv.groups.change_of_basis(r, R), n),
    ):
        if size > 40:
            continue
        found, expected = make(rep), make(known)
        S = np.random.default_rng(4).standard_normal((size, size))
        a, b = found.average_moment(S), expected.average_moment(S)
        condition = (np.linalg.cond(T) * np.linalg.cond(R)) ** 2
        close(f"found Lie group: {claim}", a, b, norms=np.linalg.norm(b), dims=size, condition=condition)
        assert len(found.invariant_basis()) == len(expected.invariant_basis())
    if len(rep.generators):
        assert lv.groups.subgroup(rep, [0]).order() == lv.groups.subgroup(known, [0]).order()


def test_maps_between_representations_of_different_rates():
    """Eigenvalues of an algebra are compared as they are, not each in the unit of its own representation."""
    slow, both = lv.groups.lie([J]), lv.groups.lie([scipy.linalg.block_diag(J, 2 * J)])
    maps = lv.groups.intertwiner_basis(both, slow)
    assert len(maps) == 2
    for W in maps:
        close("intertwiner of rates", W @ both.algebra[0], slow.algebra[0] @ W, norms=2.0, dims=4)
    assert len(lv.groups.intertwiner_basis(lv.groups.lie([2 * J]), slow)) == 0


def test_equivariance_from_a_found_lie_group():
    """An equivariant truth is found again, by hard-wiring and by augmentation."""
    algebra = [scipy.linalg.block_diag(J, 2 * J, 0)]
    T, rng = zoo.skewed(5, 10.0), np.random.default_rng(5)
    rep, output = lv.groups.lie([np.linalg.solve(T, A @ T) for A in algebra]), lv.groups.lie([2 * J])
    W = lv.groups.intertwine(rng.standard_normal((2, 5)), rep, output)
    close("found Lie group: W A = A_Y W", W @ rep.algebra[0], 2 * J @ W, norms=np.linalg.norm(W), dims=5, condition=1e2)
    assert np.linalg.norm(W) > 0.1
    X = rng.standard_normal((30, 5))
    m = lv.Moments.from_data(X, X @ W.T)
    for pose in (lv.hard_wired, lv.augmented):
        found = lv.solve(pose(m, rep, rank=2, output=output)).weights
        close("found Lie group: equivariant optimum", found, W, norms=np.linalg.norm(W), dims=30, condition=1e4)


NOT_COMPACT_ALGEBRAS = {
    "growth": ([np.eye(2)], ()),
    "hyperbolic": ([np.diag([1.0, -1.0])], ()),
    "spiral": ([[[1e-6, -1.0], [1.0, 0.0]]], ()),
    "slow spiral": ([[[1e-9, -1.0], [1.0, 0.0]]], ()),
    "shear": ([[[0.0, 1.0], [0.0, 0.0]]], ()),
    "turning shear": ([np.kron([[1.0, 1.0], [0.0, 1.0]], J)], ()),
    "two bases": ([J, np.diag([1 / 3, 1.0]) @ J @ np.diag([3.0, 1.0])], ()),
    "motions of the plane": ([spin(0, 1, 3), np.eye(3, k=2)], ()),
    "a turn in another basis": ([[[0.0, -4.0], [1.0, 0.0]]], [zoo.turn(1.0)]),
    "a stretch beside it": ([J], [2 * np.eye(2)]),
    "a shear beside it": ([J], [[[1.0, 1.0], [0.0, 1.0]]]),
}


@pytest.mark.parametrize("name", NOT_COMPACT_ALGEBRAS)
def test_algebras_of_no_compact_group(name):
    with pytest.raises(ValueError, match=r"^(algebra|discrete).*compact"):
        lv.groups.lie(*NOT_COMPACT_ALGEBRAS[name])
