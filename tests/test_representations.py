"""Representations of every kind against enumeration by closing under products (zoo.py), and as objects."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import linvariance as lv
import oracles
import strategies
import zoo
from linvariance.groups.intertwiners import intertwine
from tolerances import bounded, close

EVERY = pytest.mark.parametrize("entry", zoo.ZOO.values(), ids=zoo.ZOO)
ORTHOGONAL = [entry for entry in zoo.ZOO.values() if entry.T is None]


def dense(a):
    return a.toarray() if scipy.sparse.issparse(a) else np.asarray(a)


def as_matrices(rep, elements):
    return np.stack([rep.multiply(np.eye(rep.dim), g) for g in elements])


def same_set(found, expected, tolerance):
    """Each is near exactly one of the other."""
    distances = np.abs(found[:, None] - expected[None]).max(axis=(2, 3))
    return len(found) == len(expected) and (distances.min(0) < tolerance).all() and (distances.min(1) < tolerance).all()


def test_the_zoo_holds_all_kinds():
    assert len(zoo.ZOO) >= 40
    kinds = {(type(entry.rep).__name__, getattr(entry.rep, "signs", None) is None) for entry in zoo.ZOO.values()}
    assert kinds == {("Permutations", True), ("Permutations", False), ("Matrices", True), ("Conjugated", True)}
    assert len(zoo.ZOO["permutations Fano plane"].elements) == 168


# ------------------------------------------------------------------------------------------------ against enumeration


@EVERY
def test_elements_act_on_rows(entry):
    rep, X = entry.rep, np.random.default_rng(3).standard_normal((2, 3, entry.dim))
    for g in rep.elements()[:20]:
        rho = rep.multiply(np.eye(rep.dim), g)
        np.testing.assert_allclose(rep.transform(X, g), X @ rho.T, rtol=0, atol=1e-13 * np.abs(rho).max() * rep.dim)


@EVERY
def test_generators_order_elements(entry):
    rep = entry.rep
    assert rep.dim == entry.dim
    assert rep.is_orthogonal is (entry.T is None)
    close(
        "zoo: generators",
        rep.matrices(),
        entry.generators,
        norms=np.sqrt(rep.dim),
        dims=rep.dim,
        condition=entry.condition,
    )
    assert rep.order() == len(entry.elements)
    assert isinstance(rep.order(), int)
    found = as_matrices(rep, rep.elements())
    assert same_set(found, entry.elements, 1e-10)
    np.testing.assert_allclose(found[0], np.eye(rep.dim), atol=1e-12 * entry.condition)


@EVERY
def test_defect_and_penalty(entry):
    G = np.hstack([np.eye(entry.dim) - g for g in entry.generators])
    norms = np.linalg.norm(G) + np.sqrt(entry.dim)
    close("zoo: G", dense(entry.rep.defect), G, norms=norms, dims=entry.dim, condition=entry.condition)
    close("zoo: GGᵀ", entry.rep.penalty_matrix(), G @ G.T, norms=norms**2, dims=entry.dim, condition=entry.condition)


@EVERY
def test_invariant_basis_spans_the_row_space_of_the_mean(entry, rng):
    rep, Pi = entry.rep, entry.elements.mean(0)
    B, dimension = rep.invariant_basis(), round(float(np.trace(Pi)))
    rows = np.linalg.svd(Pi)[2][:dimension]
    assert B.shape == (dimension, entry.dim)
    close("zoo: B Bᵀ = I", B @ B.T, np.eye(len(B)), norms=1, dims=entry.dim)
    close("zoo: span of B", B.T @ B, rows.T @ rows, norms=1, dims=entry.dim, condition=entry.condition)
    rest = rep.complement_basis
    both = np.vstack([B, rest])
    close("zoo: B and B⊥ are orthogonal", both @ both.T, np.eye(entry.dim), norms=1, dims=entry.dim)


@EVERY
def test_project(entry, rng):
    rep, W, Pi = entry.rep, rng.standard_normal((2, 3, entry.dim)), entry.elements.mean(0)
    once, norms = rep.project(W), np.linalg.norm(W)
    close("zoo: W Π", once, W @ Pi, norms=norms, dims=entry.dim, condition=entry.condition)
    close("zoo: Π² = Π", rep.project(once), once, norms=norms, dims=entry.dim, condition=entry.condition)
    for g in entry.elements[:4]:
        close("zoo: W Π ρ = W Π", once @ g, once, norms=norms, dims=entry.dim, condition=entry.condition)
    if rep.is_orthogonal:
        V = rng.standard_normal(W.shape)
        gap = abs(np.vdot(rep.project(V), W) - np.vdot(V, once))
        bounded("zoo: Π is self-adjoint", gap, norms=norms * np.linalg.norm(V), dims=entry.dim)


@pytest.mark.parametrize("exponent", [-1000, -520, 400, 1000])
@EVERY
def test_averages_scale_exactly(entry, rng, exponent):
    S = rng.standard_normal((entry.dim, entry.dim))
    S = S @ S.T
    once = entry.rep.average_moment(S)
    np.testing.assert_array_equal(entry.rep.average_moment(np.ldexp(S, exponent)), np.ldexp(once, exponent))
    W = rng.standard_normal((2, entry.dim))
    np.testing.assert_array_equal(entry.rep.project(np.ldexp(W, exponent)), np.ldexp(entry.rep.project(W), exponent))


@EVERY
def test_average_moment(entry, rng):
    """Also for matrices that are not symmetric."""
    rep, S = entry.rep, rng.standard_normal((entry.dim, entry.dim))
    once, norms = rep.average_moment(S), np.linalg.norm(S)
    kept = {"norms": norms, "dims": entry.dim, "condition": entry.condition}
    if entry.T is not None:  # the given matrices T⁻¹ρT are no group to better than cond(T)·eps, more so their products
        kept["condition"] *= 10
    close("zoo: S̄", once, np.mean([g @ S @ g.T for g in entry.elements], axis=0), **kept)
    close("zoo: averaging twice = once", rep.average_moment(once), once, **kept)
    for g in entry.elements[:4]:
        close("zoo: ρ S̄ ρᵀ = S̄", g @ once @ g.T, once, **kept)
    if rep.is_orthogonal:
        T = rng.standard_normal(S.shape)
        gap = abs(np.vdot(rep.average_moment(T), S) - np.vdot(T, once))
        bounded("zoo: averaging is self-adjoint", gap, norms=norms * np.linalg.norm(T), dims=entry.dim)


OUTPUTS = {
    "itself, orthogonal": tuple,
    "determinant": lambda gens: tuple(np.array([[np.linalg.det(g)]]).round() for g in gens),
    "trivial": lambda gens: tuple(np.eye(2) for _ in gens),
    "itself and determinant": lambda gens: tuple(scipy.linalg.block_diag(g, np.linalg.det(g).round()) for g in gens),
}


@EVERY
@pytest.mark.parametrize("output", OUTPUTS)
def test_intertwine(entry, output, rng):
    """Mean ρ_Y(g) W ρ_X(g)⁻¹."""
    generators = OUTPUTS[output](entry.orthogonal)
    rep_y, dY = lv.groups.matrices(generators), len(generators[0])
    W = rng.standard_normal((dY, entry.dim))
    base = entry.pairs[0]  # what each output makes of a generator it makes of an element
    expected = np.mean([out @ W @ entry.seen(g.T) for out, g in zip(OUTPUTS[output](base), base, strict=True)], axis=0)
    kept = {"norms": np.linalg.norm(W), "dims": (dY, entry.dim), "condition": entry.condition}
    found = intertwine(W, entry.rep, rep_y)
    close("zoo: intertwine", found, expected, **kept)
    close("zoo: intertwine twice = once", intertwine(found, entry.rep, rep_y), found, **kept)
    for left, right in zip(generators, entry.generators, strict=True):
        close("zoo: ρ_Y W = W ρ_X", left @ found, found @ right, **kept)


@EVERY
def test_dimensions_by_characters(entry):
    """Mean χ is the dimension of the invariants, mean χ² that of the commutant."""
    characters = np.trace(entry.elements, axis1=1, axis2=2)
    assert len(entry.rep.invariant_basis()) == round(characters.mean())
    if isinstance(entry.rep, lv.groups.Permutations):
        assert entry.rep.number_of_orbitals() == round(np.square(characters).mean())


@EVERY
def test_copies_pickles_hashes(entry):
    rep = entry.rep
    assert copy.copy(rep) is rep
    assert copy.deepcopy(rep) is rep
    back = pickle.loads(pickle.dumps(rep))
    assert (back, hash(back), repr(back)) == (rep, hash(rep), repr(rep))
    assert entry.build() == rep
    assert rep != lv.groups.trivial(rep.dim + 1)
    S = np.arange(rep.dim**2, dtype=float).reshape(rep.dim, rep.dim)
    np.testing.assert_array_equal(back.average_moment(S), rep.average_moment(S))


@EVERY
def test_draws_are_elements(entry, rng):
    found = as_matrices(entry.rep, entry.rep.draw(10, rng))
    nearest = np.abs(found[:, None] - entry.elements[None]).max(axis=(2, 3)).min(1)
    assert nearest.max() < 1e-10


# ----------------------------------------------------------------------------------------- laws, on drawn structures


@st.composite
def random_signed(draw, max_dim=7):
    """(images, signs) of one to three generators; the group may be huge, the averages do not mind."""
    dim, count, rng = (
        draw(st.integers(1, max_dim)),
        draw(st.integers(1, 3)),
        np.random.default_rng(draw(strategies.seeds)),
    )
    images = np.stack([rng.permutation(dim) for _ in range(count)])
    return images, rng.choice([-1, 1], images.shape, p=draw(st.sampled_from([(0.5, 0.5), (0.1, 0.9)]))), rng


@given(random_signed())
def test_signed_permutations_and_the_same_as_dense_matrices(drawn):
    """Two algorithms: orbitals with signs, and projections on commutants in another orthonormal basis."""
    images, signs, rng = drawn
    dim, rep = images.shape[1], lv.groups.signed_permutations(images, signs)
    Q = zoo.orthonormal(dim)
    other = lv.groups.matrices([Q.T @ g @ Q for g in rep.matrices()])
    S, W = rng.standard_normal((dim, dim)), rng.standard_normal((2, dim))
    # Conjugate gradients see the angle between the generators' commutants: 1e3 covers seven coordinates.
    close(
        "signed = dense: S̄",
        Q.T @ rep.average_moment(S) @ Q,
        other.average_moment(Q.T @ S @ Q),
        norms=np.linalg.norm(S),
        dims=dim,
        condition=100,
    )
    close(
        "signed = dense: W Π",
        rep.project(W) @ Q,
        other.project(W @ Q),
        norms=np.linalg.norm(W),
        dims=dim,
        condition=100,
    )
    assert len(rep.invariant_basis()) == len(other.invariant_basis())
    close(
        "signed: S̄ commutes",
        rep.matrices() @ rep.average_moment(S),
        rep.average_moment(S) @ rep.matrices(),
        norms=np.linalg.norm(S),
        dims=dim,
    )


@settings(max_examples=25)
@given(random_signed(max_dim=4), st.floats(0, 2))
def test_matrices_that_are_not_orthogonal_are_recognised(drawn, log_condition):
    """matrices() finds an inner product by itself; change_of_basis is told. Both give the same averages."""
    images, signs, rng = drawn
    dim, condition = images.shape[1], 10**log_condition
    assume((images != np.arange(dim)).any(1).all())  # T⁻¹T is 1 up to rounding only, which no test can ask to be seen
    base, T = lv.groups.signed_permutations(images, signs), zoo.skewed(dim, condition)
    told = lv.groups.change_of_basis(base, T)
    found = lv.groups.matrices(np.linalg.solve(T, base.matrices() @ T))
    S = rng.standard_normal((dim, dim))
    close(
        "non-orthogonal: found = told",
        found.average_moment(S),
        told.average_moment(S),
        norms=np.linalg.norm(S),
        dims=dim,
        condition=100 * condition**2,
    )
    assert len(found.invariant_basis()) == len(told.invariant_basis())


@settings(max_examples=50)
@given(st.integers(2, 6), st.integers(1, 3), strategies.seeds)
def test_infinite_closures_have_invariant_averages(dim, count, seed):
    """Random orthogonal matrices generate a dense subgroup of O(dim) or SO(dim): S̄ = tr(S)/dim for dim >= 3."""
    rng = np.random.default_rng(seed)
    Q = np.stack([np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(count)])
    rep, S = lv.groups.matrices(Q), rng.standard_normal((dim, dim))
    mean = rep.average_moment(S)
    norms = np.linalg.norm(S)
    close("closure: S̄ commutes", Q @ mean, mean @ Q, norms=norms, dims=dim, condition=100)
    close("closure: twice = once", rep.average_moment(mean), mean, norms=norms, dims=dim, condition=100)
    if dim >= 3 and count >= 2:
        close("closure: dense in SO(n)", mean, np.trace(S) / dim * np.eye(dim), norms=norms, dims=dim, condition=100)


# ---------------------------------------------------------------------------------------------------------- conversions


def test_from_sympy_and_sparse_and_arrays():
    from sympy.combinatorics.named_groups import AlternatingGroup, DihedralGroup

    for group in (DihedralGroup(6), AlternatingGroup(5)):
        rep = lv.groups.permutations(group)
        assert rep.order() == group.order()
        expected = np.stack([oracles.permutation_matrix(g.array_form) for g in group.elements])
        assert same_set(as_matrices(rep, rep.elements()), expected, 1e-12)
        np.testing.assert_array_equal(
            rep.matrices(), [oracles.permutation_matrix(g.array_form) for g in group.generators]
        )
    p = [[1, 2, 0], [1, 0, 2]]
    expected = lv.groups.permutations(p)
    P = [oracles.permutation_matrix(g) for g in p]
    for given_ in (P, np.stack(P), [scipy.sparse.csr_array(g) for g in P], [scipy.sparse.coo_matrix(g) for g in P]):
        assert lv.groups.matrices(given_) == expected
    assert lv.groups.permutations(np.array(p, dtype=np.uint8)) == expected
    assert lv.groups.matrices(scipy.sparse.csc_array(P[0])) == lv.groups.permutations(p[:1])
    turned = scipy.sparse.csr_array(zoo.turn(1.0))
    assert lv.groups.matrices([turned]) == lv.groups.matrices([zoo.turn(1.0)])


def test_one_matrix_is_one_generator():
    assert lv.groups.matrices(zoo.turn(1.0)) == lv.groups.matrices([zoo.turn(1.0)])


def test_matrices_become_signed_permutations():
    assert lv.groups.matrices(zoo.OCTAHEDRAL) == lv.groups.signed_permutations(
        [[1, 0, 2], [1, 2, 0]], [[1, -1, 1], [1, 1, 1]]
    )
    assert lv.groups.matrices([zoo.perm([1, 2, 0])]).signs is None
    assert isinstance(lv.groups.matrices([zoo.turn(np.pi / 2)]), lv.groups.Matrices)  # cos(π/2) is not 0


# ------------------------------------------------------------------------------------------------- infinite groups


def test_a_turn_by_an_irrational_angle(rng):
    rep = lv.groups.matrices([zoo.turn(np.sqrt(2))])
    S = rng.standard_normal((2, 2))
    long = sum(zoo.turn(k * np.sqrt(2)) @ S @ zoo.turn(k * np.sqrt(2)).T for k in range(2000)) / 2000
    expected = np.trace(S) / 2 * np.eye(2) + (S - S.T) / 2
    close("irrational turn", rep.average_moment(S), expected, norms=np.linalg.norm(S), dims=2)
    # A geometric sum: at most ‖S‖/(n sin θ) from the limit.
    assert np.abs(long - expected).max() < np.linalg.norm(S) / (2000 * abs(np.sin(np.sqrt(2))))
    assert len(rep.invariant_basis()) == 0
    with pytest.raises(ValueError, match=r"10,000"):
        rep.order()
    fixed = lv.groups.matrices([scipy.linalg.block_diag(zoo.turn(np.sqrt(2)), 1.0, -1.0)])
    close("irrational turn: invariants", fixed.project(np.eye(4)), np.diag([0.0, 0, 1, 0]), norms=1, dims=4)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_rotations(n, rng):
    """Only multiples of 1 commute with SO(n), n >= 3; for n = 2 the turns too. O(2) leaves multiples of 1."""
    rep, S = lv.groups.rotations(n), rng.standard_normal((n, n))
    expected = np.trace(S) / n * np.eye(n) + ((S - S.T) / 2 if n == 2 else 0)
    assert rep.order() == math.inf
    assert rep.invariant_basis().shape == (0, n)
    close("SO(n): S̄", rep.average_moment(S), expected, norms=np.linalg.norm(S), dims=n)
    np.testing.assert_array_equal(rep.project(S), 0)
    full = lv.groups.lie(rep.algebra, [np.diag([*np.ones(n - 1), -1.0])])
    close("O(n): S̄", full.average_moment(S), np.trace(S) / n * np.eye(n), norms=np.linalg.norm(S), dims=n)
    assert full.order() == math.inf
    with pytest.raises(ValueError, match="limit"):
        full.elements()


def test_a_plane_turned_and_a_line_left_alone(rng):
    A = np.zeros((3, 3))
    A[1, 0], A[0, 1] = 1.0, -1.0
    rep = lv.groups.lie([A])
    S = rng.standard_normal((3, 3))
    expected = np.zeros((3, 3))
    expected[:2, :2] = np.trace(S[:2, :2]) / 2 * np.eye(2) + (S[:2, :2] - S[:2, :2].T) / 2
    expected[2, 2] = S[2, 2]
    close("SO(2) on space", rep.average_moment(S), expected, norms=np.linalg.norm(S), dims=3)
    close("SO(2) on space: Π", rep.project(np.eye(3)), np.diag([0.0, 0, 1]), norms=1, dims=3)
    angles = np.arange(7) * 2 * np.pi / 7  # seven angles integrate the second harmonics exactly
    turns = [scipy.linalg.expm(t * A) for t in angles]
    close(
        "SO(2) on space: quadrature",
        rep.average_moment(S),
        np.mean([g @ S @ g.T for g in turns], axis=0),
        norms=np.linalg.norm(S),
        dims=3,
    )


def test_turns_with_two_speeds(rng):
    """exp(tA) with frequencies 1 and 2, by quadrature over nine angles; and 1 and √2, where the blocks part."""
    S = rng.standard_normal((4, 4))
    A = scipy.linalg.block_diag([[0, -1.0], [1, 0]], [[0, -2.0], [2, 0]])
    turns = [scipy.linalg.expm(t * A) for t in np.arange(9) * 2 * np.pi / 9]
    close(
        "two speeds",
        lv.groups.lie([A]).average_moment(S),
        np.mean([g @ S @ g.T for g in turns], axis=0),
        norms=np.linalg.norm(S),
        dims=4,
    )
    same = scipy.linalg.block_diag(A[:2, :2], A[:2, :2])
    turns = [scipy.linalg.expm(t * same) for t in np.arange(5) * 2 * np.pi / 5]
    close(
        "one speed twice",
        lv.groups.lie([same]).average_moment(S),
        np.mean([g @ S @ g.T for g in turns], axis=0),
        norms=np.linalg.norm(S),
        dims=4,
    )


@pytest.mark.parametrize("points", [1, 2, 4])
def test_point_clouds(points, rng):
    """S_n x SO(3): what commutes is a 1 + b (all ones), so two numbers, one for a single point."""
    rep, d = lv.groups.point_cloud(points), 3 * points
    S = rng.standard_normal((d, d))
    blocks = S.reshape(points, 3, points, 3).trace(axis1=1, axis2=3) / 3  # SO(3) averages each 3 x 3 block
    kept = lv.groups.symmetric(points).average_moment(blocks)
    expected = np.kron(kept, np.eye(3))
    close("point cloud: S̄", rep.average_moment(S), expected, norms=np.linalg.norm(S), dims=d)
    assert rep.order() == math.inf
    assert rep.invariant_basis().shape == (0, d)


def test_no_invariants_no_crash(rng):
    """SO(3) on clouds of points: the hard-wired and the augmented optimum are W = 0."""
    rep = lv.groups.point_cloud(3)
    m = lv.Moments.from_data(rng.standard_normal((20, 9)), Y := rng.standard_normal((20, 2)))
    for pose in (lv.hard_wired, lv.augmented):
        solution = lv.solve(pose(m, rep, rank=2))
        np.testing.assert_array_equal(solution.weights, 0)
        assert solution.weights.shape == (2, 9)
        assert solution.rank == 0
        assert solution.loss == pytest.approx(np.square(Y).sum() / 20, rel=1e-12)
    assert np.isfinite(lv.solve(lv.regularized(m, rep, rank=2, strength=1.0)).weights).all()


def test_lie_products_and_sums(rng):
    """SO(3) on R^3 ⊗ R^3 = 1 + 3 + 5: one invariant, the trace; three numbers commute."""
    so3 = lv.groups.rotations(3)
    square = lv.groups.tensor_product(so3, so3)
    assert square.order() == math.inf
    B = square.invariant_basis()
    close("SO(3) x SO(3): trace", B.T @ B, np.outer(np.eye(3), np.eye(3)) / 3, norms=1, dims=9)
    S = rng.standard_normal((9, 9))
    P1 = np.outer(np.eye(3), np.eye(3)) / 3
    flip = np.eye(9).reshape(3, 3, 9).transpose(1, 0, 2).reshape(9, 9)
    projectors = [P1, (np.eye(9) - flip) / 2, (np.eye(9) + flip) / 2 - P1]
    expected = sum(np.vdot(P, S) / np.trace(P) * P for P in projectors)
    close("SO(3) x SO(3): S̄", square.average_moment(S), expected, norms=np.linalg.norm(S), dims=9)
    double = lv.groups.direct_sum(so3, so3)
    assert double.invariant_basis().shape == (0, 6)
    S = rng.standard_normal((6, 6))
    blocks = S.reshape(2, 3, 2, 3).trace(axis1=1, axis2=3) / 3
    close("SO(3) + SO(3): S̄", double.average_moment(S), np.kron(blocks, np.eye(3)), norms=np.linalg.norm(S), dims=6)


def test_lie_in_another_basis(rng):
    T = zoo.skewed(3, 5.0)
    rep = lv.groups.change_of_basis(lv.groups.rotations(3), T)
    S = rng.standard_normal((3, 3))
    P = np.linalg.inv(T) @ np.linalg.inv(T).T  # what commutes is a multiple of T⁻¹T⁻ᵀ
    expected = np.trace(T @ S @ T.T) / 3 * P
    close("SO(3), another basis", rep.average_moment(S), expected, norms=np.linalg.norm(S), dims=3, condition=25**2)
    assert rep.order() == math.inf
    for A, rho in zip(rep.algebra, lv.groups.rotations(3).algebra, strict=True):
        close("algebra, another basis", A, np.linalg.solve(T, rho @ T), norms=1, dims=3, condition=25)


# --------------------------------------------------------------------------------------------------------- orders


def test_orders_by_sympy_of_large_groups():
    n = 196
    rep = lv.groups.permutations([[*range(1, n), 0], [1, 0, *range(2, n)]])
    assert rep.order() == math.factorial(n)
    odd = 13
    alternating = lv.groups.permutations([[*range(1, odd), 0], [1, 2, 0, *range(3, odd)]])
    assert alternating.order() == math.factorial(odd) // 2
    assert lv.groups.hypercube(20).order() == 2**20 * math.factorial(20)
    own = lv.groups.signed_permutations(lv.groups.hypercube(9).images, lv.groups.hypercube(9).signs)
    assert own.order() == 2**9 * math.factorial(9)
    M11 = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0], [0, 1, 6, 9, 5, 3, 10, 2, 8, 4, 7]]
    assert lv.groups.permutations(M11).order() == 7920


@given(strategies.groups())
@settings(max_examples=30)
def test_orders_by_sympy_are_those_of_enumeration(group):
    rep = lv.groups.permutations([list(g) for g in group.generators])
    assert rep.order() == len(rep.elements()) == len(group.permutations)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_named_orders(n):
    for rep in (lv.groups.hypercube(n), lv.groups.adjacency(n), lv.groups.reversal(n)):
        assert rep.order() == len(rep.elements())
    assert lv.groups.channels(lv.groups.cyclic(n), 2).order() == n


# ----------------------------------------------------------------------------------------------------- drawing


def chi_square(counts):
    """(statistic - its mean) in standard deviations, under equal probabilities."""
    cells, total = len(counts), sum(counts)
    statistic = sum((c - total / cells) ** 2 for c in counts) / (total / cells)
    return (statistic - (cells - 1)) / np.sqrt(2 * (cells - 1))


def tally(rep, elements, keys):
    """How often each of the values `keys` gives occurs."""
    values = [keys(g) for g in elements]
    return [values.count(v) for v in sorted(set(values))]


@pytest.mark.parametrize("name", ["permutations A4", "signed cube", "orthogonal icosahedral", "not orthogonal Q8"])
def test_draws_from_small_groups_are_uniform(name):
    entry = zoo.ZOO[name]
    found = as_matrices(entry.rep, entry.rep.draw(3000, np.random.default_rng(7)))
    which = np.abs(found[:, None] - entry.elements[None]).max(axis=(2, 3)).argmin(1)
    assert abs(chi_square(np.bincount(which, minlength=len(entry.elements)))) < 4


def test_draws_by_sympy_are_uniform():
    """S_8 by its own generators (40 320 elements): where a pair of points goes has 56 equally likely values."""
    rep = lv.groups.permutations([[*range(1, 8), 0], [1, 0, *range(2, 8)]])
    drawn = rep.draw(3000, np.random.default_rng(3))
    assert drawn.shape == (3000, 8)
    assert (np.sort(drawn, axis=1) == np.arange(8)).all()
    for pair in ((0, 1), (3, 7)):
        counts = tally(rep, drawn, lambda p, pair=pair: (p[pair[0]], p[pair[1]]))
        assert len(counts) == 56
        assert abs(chi_square(counts)) < 4
    parity = [round(np.linalg.det(oracles.permutation_matrix(p))) for p in drawn]
    assert abs(np.mean(parity)) < 4 / np.sqrt(3000)


def test_draws_of_signed_permutations_by_sympy_are_uniform():
    rep = lv.groups.hypercube(6)  # 46 080 elements
    drawn = rep.draw(3000, np.random.default_rng(4))
    assert drawn.shape == (3000, 2, 6)
    assert set(np.unique(drawn[:, 1])) == {-1, 1}
    counts = tally(rep, drawn, lambda g: (g[0, 0], g[1, 0], g[0, 4], g[1, 4]))
    assert len(counts) == 6 * 2 * 5 * 2
    assert abs(chi_square(counts)) < 4
    X = np.eye(6)
    for g in drawn[:20]:
        rho = rep.multiply(X, g)
        np.testing.assert_array_equal(rho, zoo.signed(g[0], g[1]))


def test_trivial_parts_go_with_any_group():
    turns, space = lv.groups.image_translations(2, 3), lv.groups.rotations(3)
    for rep, dim in ((turns, 6), (space, 3), (lv.groups.change_of_basis(space, np.tri(3)), 3)):
        both = lv.groups.direct_sum(lv.groups.trivial(2), rep)
        assert both.order() == rep.order()
        np.testing.assert_allclose(both.project(np.eye(2 + dim))[:2], np.eye(2, 2 + dim), atol=1e-13)
        np.testing.assert_allclose(both.project(np.eye(2 + dim))[2:, 2:], rep.project(np.eye(dim)), atol=1e-13)
        twice = lv.groups.tensor_product(rep, lv.groups.trivial(2))
        np.testing.assert_allclose(
            twice.project(np.eye(2 * dim)), np.kron(rep.project(np.eye(dim)), np.eye(2)), atol=1e-13
        )
    with pytest.raises(ValueError, match=r"parts have \(2, 0\), \(1, 0\), \(1, 0\) .*or trivial"):
        lv.groups.direct_sum(turns, lv.groups.reversal(6), lv.groups.trivial(1))


def test_an_order_that_counting_does_not_find():
    turn = np.eye(12)
    turn[:2, :2] = [[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]
    with pytest.raises(ValueError, match=r"more than 10,000 elements, or infinitely many.*elements\(limit=\.\.\.\)"):
        lv.groups.matrices([turn]).order()
    with pytest.raises(ValueError, match="call sampled_error"):
        lv.invariance.error(lambda X: X, np.ones((2, 12)), lv.groups.symmetric(12))


def test_draws_from_the_named_symmetric_group():
    drawn = lv.groups.symmetric(12).draw(2000, np.random.default_rng(5))
    assert abs(chi_square(np.bincount(drawn[:, 3], minlength=12))) < 4
    adjacency = lv.groups.adjacency(9)  # 362 880 elements
    for g in adjacency.draw(20, np.random.default_rng(5)):
        p = g.reshape(9, 9)[:, 0] // 9
        np.testing.assert_array_equal(g, (p[:, None] * 9 + p[None, :]).ravel())


INFINITE = {
    "SO(3)": (lambda: lv.groups.rotations(3), 1.0, 0.0),
    "SO(2)": (lambda: lv.groups.rotations(2), 2.0, 0.0),
    "O(2) by two mirrors": (lambda: lv.groups.matrices([zoo.mirror(), zoo.mirror(1.0)]), 1.0, 0.0),
    "irrational turn": (lambda: lv.groups.matrices([zoo.turn(np.sqrt(2))]), 2.0, 0.0),
    "O(3)": (lambda: lv.groups.lie(lv.groups.rotations(3).algebra, [-np.eye(3)]), 1.0, 0.0),
    "clouds of 2": (lambda: lv.groups.point_cloud(2), 2.0, 0.0),
}


@pytest.mark.parametrize("name", INFINITE)
def test_draws_from_infinite_groups(name):
    """Orthogonal; mean χ and mean χ² are the dimensions of invariants and commutant, within 4 standard errors."""
    build, commutant, invariants = INFINITE[name]
    rep, count = build(), 1000
    drawn = as_matrices(rep, rep.draw(count, np.random.default_rng(11)))
    gram = drawn @ drawn.transpose(0, 2, 1)
    # 64 factors with exponents up to 2^20 ~ 1e6: phases of 1e6·64 eps, but the moduli must stay 1.
    bounded(
        "draw: orthogonal", float(np.abs(gram - np.eye(rep.dim)).max()), norms=1, dims=rep.dim, condition=64 * 2**20
    )
    characters = np.trace(drawn, axis1=1, axis2=2)
    for values, expected in ((characters, invariants), (characters**2, commutant)):
        assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(count)


def test_draws_repeat_with_the_generator():
    for rep in (lv.groups.rotations(3), lv.groups.hypercube(6), lv.groups.cyclic(5), zoo.ZOO["not orthogonal Q8"].rep):
        one, two = (rep.draw(5, np.random.default_rng(1)) for _ in range(2))
        np.testing.assert_array_equal(one, two)


# ------------------------------------------------------------------------------------------------- known sizes


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_commutants_are_bell_numbers(n):
    """Partitions of 2 or 4 things into at most n classes: 2 and 15 for n >= 4."""

    def partitions(k):
        labels = itertools.product(range(k), repeat=k)
        return len(
            {tuple(x) for x in labels if all(x[i] <= max(x[:i], default=-1) + 1 for i in range(k)) and max(x) < n}
        )

    assert lv.groups.symmetric(n).number_of_orbitals() == partitions(2)
    assert lv.groups.adjacency(n).number_of_orbitals() == partitions(4)


def test_signed_orbitals_with_contradictory_signs():
    rep = lv.groups.signed_permutations([[0, 1, 2]], [[1, -1, -1]])
    np.testing.assert_array_equal(rep.average_moment(np.ones((3, 3))), [[1, 0, 0], [0, 1, 1], [0, 1, 1]])
    assert rep.number_of_orbitals() == 5
    assert lv.groups.hypercube(7).number_of_orbitals() == 1
    assert lv.groups.image_translations(28, 28).number_of_orbitals() == 784


def test_a_key_on_a_boundary_of_rounding():
    """C6 by turns, tensored seven times: entries 1/128 lie half-way between two roundings to six places."""
    rep = turn = lv.groups.matrices([zoo.turn(np.pi / 3)])
    for _ in range(6):
        rep = lv.groups.tensor_product(rep, turn)
    assert rep.order() == 6


def test_entries_half_way_between_roundings():
    """A turn of order 3 about an axis chosen so that an entry is 0.1234565."""
    x = np.sqrt((0.1234565 + 0.5) / 1.5)
    rest = 1 - x * x
    for share in np.linspace(0.1, 0.9, 9):
        axis = [x, np.sqrt(rest * share), np.sqrt(rest * (1 - share))]
        assert lv.groups.matrices([zoo.about(axis, 2 * np.pi / 3)]).order() == 3
