"""Equivariant problems whose copies differ in scale, by up to 1e-6: nothing is lost, and nothing is claimed falsely.

A matrix that scales each copy of an irreducible representation by a number commutes with the group. So a problem with
inputs D x has the optimal loss of the one with x, and the weights W D⁻¹; with powers of two this holds to the bit. The
oracle solves the problem of unit scale, by literal averages over the elements and enumeration of all choices.
"""

import itertools

import mpmath
import numpy as np
import pytest
import scipy.linalg

import linvariance as lv
import zoo
from equivariant_problems import Drawn, best_choice
from tolerances import EPS, bounded, close, remember

TWENTIETH = 20  # 2⁻²⁰ is 9.5e-7


class Scaled(Drawn):
    """An aligned problem in which each copy in the inputs has a scale of its own; targets of three kinds by turns."""

    def __init__(self, seed, samples=None, most=2):
        super().__init__(seed, samples, aligned=True, most=most)
        W = self.rng.standard_normal((self.dY, self.dX))
        if seed % 3 == 1:  # interpolated by no equivariant map
            self.Y = W @ self.X
        if seed % 3 == 2:  # fitted exactly by one
            self.Y = self.mean(W) @ self.X
        self.scale = np.repeat(2.0 ** -self.rng.integers(0, TWENTIETH + 1, len(self.copy_dims)), self.copy_dims)
        self.scaled = lv.Moments.from_data(self.X.T * self.scale, self.Y.T)

    def orbits(self, X):
        """All samples under all elements (d0, n|G|)."""
        return np.hstack([x @ X for _, x in self.elements]) / np.sqrt(self.samples * len(self.elements))


def example(scale, rng):
    turn = lv.groups.matrices([np.kron(np.eye(2), [[0, -1], [1, 0.0]])])
    X = rng.standard_normal((100, 4)) * [1, 1, scale, scale]
    W = np.kron(np.diag([3.0, 1 / scale]), np.eye(2))
    return turn, W, lv.Moments.from_data(X, X @ W.T)


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-3, 1e-6, 1e-9])
def test_an_exact_fit_of_two_copies(scale, rng):
    """Both multiplets are there: 2.2975 was the loss when one was dropped."""
    C4, W, m = example(scale, rng)
    for pose in (lv.hard_wired, lv.augmented):
        s = lv.solve(pose(m, C4, rank=4, output=C4))
        assert s.loss < 1e-28 * m.yy
        assert (s.rank, s.data_rank, s.unique, s.certified) == (4, 4, True, True)
        np.testing.assert_allclose(s.weights, W, rtol=1e-14, atol=1e-14 * W.max())
        np.testing.assert_array_equal(s.singular_values[::2], s.singular_values[1::2])
    two = lv.equivariance_gap(m, C4, rank=3, output=C4)
    assert two.cuts_multiplet
    assert two.loss_gap == pytest.approx(two.multiplets[1][0] ** 2, rel=1e-15)
    assert two.hard_wired.rank == 2


BATCH = 20
PROBLEMS = 500
seen: dict[str, int] = {}


@pytest.mark.parametrize("batch", range(PROBLEMS // BATCH))
def test_no_scale_loses_a_multiplet(batch):
    for seed in range(batch * BATCH, (batch + 1) * BATCH):
        case = Scaled(9000 + seed)
        against_enumeration(case, 1 + int(case.rng.integers(case.dY)))


def against_enumeration(case, rank):
    items = sorted(case.items(), key=lambda item: -item[1])
    gain, subset = best_choice(items, rank)
    gap = lv.equivariance_gap(case.scaled, case.rep, rank=rank, output=case.output)
    hard, free = gap.hard_wired, gap.augmented
    sigma = [s for d, s, _ in items for _ in range(d)]
    whole, cut = case.c - gain, case.c - float(np.sum(np.square(sigma[:rank])))
    bounded("scaled copies: loss", abs(hard.loss - whole), norms=case.c, dims=case.dX)
    bounded("scaled copies: augmented loss", abs(free.loss - cut), norms=case.c, dims=case.dX)
    remember("scaled copies: loss, in units of 1e-12 c (gate 1)", abs(hard.loss - whole) / case.c / 1e-12)
    assert abs(hard.loss - whole) <= 1e-12 * case.c
    assert abs(free.loss - cut) <= 1e-12 * case.c
    for solution in (hard, free):
        W = solution.weights * case.scale
        bounded("scaled copies: loss of the weights", abs(case.literal(W) - solution.loss), norms=case.c, dims=case.dX)
        assert np.linalg.matrix_rank(W, tol=1e-9) == solution.rank
    problem = lv.hard_wired(case.scaled, case.rep, rank=rank, output=case.output)
    lost = abs(problem.loss(problem.restrict(hard.weights)) - hard.loss)
    bounded("scaled copies: problem.loss", lost, norms=case.c, dims=case.dX)
    W = hard.weights * case.scale
    close("scaled copies: equivariant", case.mean(W), W, norms=np.linalg.norm(W), dims=case.dX)
    # What is reported beside the weights.
    real = [item for item in items if item[1] > 1e-9]
    assert [d for _, d in gap.multiplets] == [d for d, _, _ in real]
    np.testing.assert_allclose([s for s, _ in gap.multiplets], [s for _, s, _ in real], rtol=1e-9)
    assert hard.rank == sum(d for d, s, _ in subset if s > 1e-9)
    assert free.rank == min(rank, sum(d for d, _, _ in real))
    assert hard.unique  # no two choices tie by chance
    assert free.unique is not (rank < free.rank + 1 and cut_inside(real, rank))
    size = min(case.dY, hard.data_rank)
    expected = np.array([*sigma, *np.zeros(size)])[:size]
    for solution in (hard, free):
        np.testing.assert_allclose(solution.singular_values, expected, atol=1e-12 * np.sqrt(case.c))
    if hard.rank:
        at, ends = min(rank, size), [*expected, 0.0]
        assert hard.gap == pytest.approx((ends[at - 1] - ends[at]) / ends[0], abs=1e-12 * np.sqrt(case.c) / ends[0])
    assert hard.certified
    # The gap is positive where a multiplet is cut, and nowhere else.
    assert gap.cuts_multiplet is (gap.loss_gap > 0) is cut_inside(real, rank)
    bounded("scaled copies: gap", abs(gap.loss_gap - (whole - cut)), norms=case.c, dims=case.dX)
    if not gap.cuts_multiplet:
        assert hard.loss == free.loss
        np.testing.assert_array_equal(hard.weights, free.weights)
    # Rank and condition of the data, from all of them written out.
    assert hard.data_rank == np.linalg.matrix_rank(case.orbits(case.X), tol=1e-9)
    s = np.linalg.svd(case.orbits(case.X * case.scale[:, None]), compute_uv=False)[: hard.data_rank]
    assert hard.condition == pytest.approx(s[0] / s[-1], rel=1e-8)
    for _, s, kind in subset:
        seen[kind] = seen.get(kind, 0) + (s > 1e-9)


def cut_inside(items, rank):
    """Whether the bound falls inside a multiplet."""
    ends = np.cumsum([0, *(d for d, _, _ in items)])
    return bool(rank < ends[-1] and rank not in ends)


def test_all_three_types_were_chosen():
    """Runs after the cases above: none of the types was left out."""
    if sum(seen.values()) == 0:
        pytest.skip("the cases did not run in this process")
    assert PROBLEMS >= 500
    assert all(seen[kind] >= 50 for kind in ("real", "complex", "quaternionic")), seen


@pytest.mark.parametrize("seed", range(21))
def test_three_copies(seed):
    case = Scaled(12000 + seed, most=3)
    against_enumeration(case, 1 + int(case.rng.integers(case.dY)))


@pytest.mark.parametrize("seed", range(21))
@pytest.mark.parametrize("samples", [1, 2])
def test_few_samples(seed, samples):
    """S̄ may be singular; the least loss without a rank bound is the residual of all orbits."""
    case = Scaled(13000 + seed, samples=samples, most=3)
    scaled, targets = case.orbits(case.X), np.hstack([y @ case.Y for y, _ in case.elements])
    targets = targets / np.sqrt(case.samples * len(case.elements))
    fit = np.linalg.lstsq(scaled.T, targets.T, rcond=1e-9)[0].T
    s = lv.solve(lv.hard_wired(case.scaled, case.rep, rank=case.dY, output=case.output))
    residual = float(np.sum((fit @ scaled - targets) ** 2))
    bounded("few samples, scaled copies: loss", abs(s.loss - residual), norms=case.c, dims=case.dX, condition=1e3)
    assert s.data_rank == np.linalg.matrix_rank(scaled, tol=1e-9)
    W = s.weights * case.scale
    assert case.literal(W) == pytest.approx(s.loss, abs=1e-10 * case.c)


@pytest.mark.parametrize("seed", range(28))
@pytest.mark.parametrize("condition", [None, 4.0])
def test_mixed_coordinates(seed, condition):
    """Seen through another basis, rounding has the scale of the largest copy: errors grow with the data's condition."""
    case = Drawn(14000 + seed, condition=condition)
    scale = np.repeat(2.0 ** -case.rng.integers(0, TWENTIETH + 1, len(case.copy_dims)), case.copy_dims)
    X = np.linalg.solve(case.T, scale[:, None] * (case.T @ case.X))
    rank = 1 + seed % case.dY
    gain, subset = best_choice(case.items(), rank)
    m = lv.Moments.from_data(X.T, case.Y.T)
    gap = lv.equivariance_gap(m, case.rep, rank=rank, output=case.output)
    hard, spread = gap.hard_wired, np.linalg.cond(scale * np.eye(case.dX)) * case.tolerances["condition"]
    bounded("mixed scales: loss", abs(hard.loss - (case.c - gain)), norms=case.c, dims=case.dX, condition=spread)
    assert hard.rank == sum(d for d, s, _ in subset if s > 1e-9)
    assert gap.cuts_multiplet is (gap.loss_gap > 0)
    assert gap.loss_gap == pytest.approx(hard.loss - gap.augmented.loss, abs=1e-13 * case.c)


# ------------------------------------------------------------------------------------------ targets of many scales


def precise_items(case):
    """(d, σ²) of every multiplet, with 50 digits: from literal averages, Cholesky and eigenvalues by mpmath."""
    X, Y = (mpmath.matrix(A.tolist()) for A in (case.X, case.Y))
    S, C = X * X.T, Y * X.T
    pairs = [(mpmath.matrix(y.tolist()), mpmath.matrix(x.tolist())) for y, x in case.elements]
    count = case.samples * len(pairs)
    S = sum((x * S * x.T for _, x in pairs), 0 * S) / count
    C = sum((y * C * x.T for y, x in pairs), 0 * C) / count
    Z = C * mpmath.inverse(mpmath.cholesky(S)).T
    start, found = 0, []
    for d, m in zip(case.dims, case.m, strict=True):
        if m:
            block = Z[start : start + int(m) * d, :]
            squares = sorted(mpmath.eigsy(block * block.T, eigvals_only=True), reverse=True)
            found += [(d, squares[j]) for j in range(0, len(squares), d)]
        start += int(m) * d
    return sorted(found, key=lambda item: -item[1])


@pytest.mark.parametrize("seed", range(42))
def test_choices_among_gains_of_many_scales(seed):
    """Targets scaled too: gains from 1 to 1e-12, and the choice is that of 50 digits among the smallest ones too."""
    case = Scaled(15000 + seed)
    size = np.repeat(2.0 ** -case.rng.integers(0, TWENTIETH + 1, int(case.m.sum())), np.repeat(case.dims, case.m))
    W = case.mean(case.rng.standard_normal((case.dY, case.dX)))
    W[np.abs(W) < 1e-12] = 0.0  # between copies of different kinds there is nothing, not even rounding
    case.Y = size[:, None] * (W @ case.X)
    moments = lv.Moments.from_data(case.X.T * case.scale, case.Y.T)
    with mpmath.workdps(50):
        items = [item for item in precise_items(case) if item[1] > 1e-24]
        for rank in range(1, case.dY + 1):
            gains_of_many_scales(case, moments, items, rank)


def gains_of_many_scales(case, moments, items, rank):
    gap = lv.equivariance_gap(moments, case.rep, rank=rank, output=case.output)
    assert [d for _, d in gap.multiplets] == [d for d, _ in items]
    found, sigma = [s for s, _ in gap.multiplets], [float(mpmath.sqrt(square)) for _, square in items]
    close("scaled targets: σ", found, sigma, norms=np.sqrt(case.c), dims=case.dX)
    subsets = [
        (sum((items[i][0] * items[i][1] for i in chosen), mpmath.mpf(0)), chosen)
        for k in range(len(items) + 1)
        for chosen in itertools.combinations(range(len(items)), k)
        if sum(items[i][0] for i in chosen) <= rank
    ]
    _, best = max(subsets)
    dropped = [i for i in range(len(items)) if i not in best]
    assert gap.hard_wired.rank == sum(items[i][0] for i in best)
    assert gap.hard_wired.unique
    # σ is known to eps·√c, so a loss on its own scale, not on c's, to this:
    off = 1e2 * EPS * np.sqrt(case.c)
    expected = float(sum(items[i][0] * items[i][1] for i in dropped))
    assert abs(gap.hard_wired.loss - expected) <= off * (sum(sigma[i] for i in dropped) + off)
    starts = np.cumsum([0, *(d for d, _ in items)])
    free = [int(np.clip(rank - start, 0, d)) for start, (d, _) in zip(starts, items, strict=False)]
    exchanged = [k - d * (i in best) for i, (k, (d, _)) in enumerate(zip(free, items, strict=True))]
    more = float(sum((k * square for k, (_, square) in zip(exchanged, items, strict=True)), mpmath.mpf(0)))
    assert more >= 0
    assert abs(gap.loss_gap - more) <= off * (sum(abs(k) * s for k, s in zip(exchanged, sigma, strict=True)) + off)
    assert gap.cuts_multiplet is (more > 0)


# --------------------------------------------------------------------------------------------- other kinds of groups


def literal_optimum(rep_elements, output_elements, X, Y, rank, parts):
    """c - gain by enumeration; `parts` are (d, orthonormal columns) of the isotypic components of the outputs."""
    n, count = X.shape[1], len(rep_elements)
    S = sum(x @ X @ X.T @ x.T for x in rep_elements) / n / count
    C = sum(y @ Y @ X.T @ x.T for x, y in zip(rep_elements, output_elements, strict=True)) / n / count
    Z = np.linalg.solve(np.linalg.cholesky(S), C.T).T
    items = [(d, s, "") for d, Q in parts for s in np.linalg.svd(Q.T @ Z, compute_uv=False)[: Q.shape[1] : d]]
    return float(np.sum(Y**2)) / n - best_choice(items, rank)[0]


@pytest.mark.parametrize("rank", range(1, 9))
def test_permutations_of_points_in_channels(rank, rng):
    """S4 on 4 points, three channels of scales 1, 1e-3 and 1e-6 to two channels: means and differences."""
    inputs, outputs = (lv.groups.channels(lv.groups.symmetric(4), k) for k in (3, 2))
    elements = [np.eye(4)[list(p)] for p in itertools.permutations(range(4))]
    scale = np.repeat(2.0 ** np.array([0, -10, -20]), 4)
    X, Y = rng.standard_normal((12, 30)), rng.standard_normal((8, 30))
    one = np.ones((4, 1)) / 2
    rest = scipy.linalg.null_space(one.T)
    parts = [(1, np.kron(np.eye(2), one)), (3, np.kron(np.eye(2), rest))]
    lifted = [[np.kron(np.eye(k), g) for g in elements] for k in (3, 2)]
    expected = literal_optimum(*lifted, X, Y, rank, parts)
    for rep in (inputs, lv.groups.matrices(inputs.matrices())):
        m = lv.Moments.from_data(X.T * scale, Y.T)
        s = lv.solve(lv.hard_wired(m, rep, rank=rank, output=outputs))
        assert abs(s.loss - expected) <= 1e-12 * m.yy
        W = s.weights * scale
        for x, y in zip(*lifted, strict=True):
            np.testing.assert_allclose(y @ W, W @ x, atol=1e-13)


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 6])
def test_rotations_of_clouds(rank, rng):
    """SO(3) on three points of scales 1, 1e-3 and 1e-6 to two: W is M ⊗ 1, M from moments summed over coordinates."""
    so3 = lv.groups.rotations(3)
    inputs, outputs = (lv.groups.direct_sum(*[so3] * k) for k in (3, 2))
    X, Y = rng.standard_normal((40, 3, 3)), rng.standard_normal((40, 2, 3))
    size = 2.0 ** np.array([0, -10, -20])
    m = lv.Moments.from_data((X * size[:, None]).reshape(40, 9), Y.reshape(40, 6))
    s = lv.solve(lv.hard_wired(m, inputs, rank=rank, output=outputs))
    S, C = np.einsum("nia,nja->ij", X, X) / 120, np.einsum("nia,nja->ij", Y, X) / 120
    U, sigma, Vt = np.linalg.svd(C @ np.linalg.inv(np.linalg.cholesky(S)).T)
    k = rank // 3
    assert s.rank == 3 * k
    assert abs(s.loss - (m.yy - 3 * float(np.sum(sigma[:k] ** 2)))) <= 1e-12 * m.yy
    M = (U[:, :k] * sigma[:k]) @ Vt[:k] @ np.linalg.inv(np.linalg.cholesky(S))
    np.testing.assert_allclose(s.weights * np.repeat(size, 3), np.kron(M, np.eye(3)), atol=1e-13)


def test_turns_by_an_irrational_angle(rng):
    """The closure is SO(2): complex numbers, by a complex regression."""
    turn = zoo.turn(np.sqrt(2))
    rep = lv.groups.matrices([np.kron(np.eye(3), turn)])
    output = lv.groups.matrices([np.kron(np.eye(2), turn)])
    X, Y = (rng.standard_normal((30, k)) + 1j * rng.standard_normal((30, k)) for k in (3, 2))
    size = 2.0 ** np.array([0, -10, -20])
    m = lv.Moments.from_data((X * size).view(float), Y.view(float))
    Q, R = np.linalg.qr(X)
    U, sigma, Vh = np.linalg.svd(Q.conj().T @ Y)
    B = np.linalg.solve(R, sigma[0] * np.outer(U[:, 0], Vh[0]))  # Y ≈ X B
    for rank in (2, 3):
        s = lv.solve(lv.hard_wired(m, rep, rank=rank, output=output))
        assert abs(s.loss - (m.yy - sigma[0] ** 2 / 30)) <= 1e-12 * m.yy
        W = s.weights * np.repeat(size, 2)
        points = rng.standard_normal((5, 3)) + 1j * rng.standard_normal((5, 3))
        np.testing.assert_allclose(points.view(float) @ W.T, (points @ B).view(float), atol=1e-12)


def test_data_in_some_irreducibles_only():
    """What the group's averages leave of the others is rounding: no rank, no weights of 1e16."""
    swap = lv.groups.symmetric(2)
    x = np.array([[0.1 + 0.2, -0.3], [0.7, -0.7], [1.1, -1.1]])  # invariant parts of 5e-17 and 0
    m = lv.Moments.from_data(x, x + 1.0)
    s = lv.solve(lv.hard_wired(m, swap, rank=2, output=swap))
    assert (s.data_rank, s.rank, s.condition) == (1, 1, 1.0)
    np.testing.assert_allclose(s.weights, [[0.5, -0.5], [-0.5, 0.5]], atol=1e-14)
    assert s.loss == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize("exponent", [-400, 400])
def test_the_scale_of_all_data(exponent):
    case = Scaled(16003)
    for inputs, targets in ((exponent, 0), (0, exponent), (exponent, exponent)):
        m = lv.Moments.from_data(np.ldexp(case.X.T, inputs), np.ldexp(case.Y.T, targets))
        one, other = (lv.solve(lv.hard_wired(data, case.rep, rank=3, output=case.output)) for data in (case.moments, m))
        assert other.loss == pytest.approx(np.ldexp(one.loss, 2 * targets), rel=1e-12)
        back = np.ldexp(other.weights, inputs - targets)
        np.testing.assert_allclose(back, one.weights, atol=1e-12 * np.abs(one.weights).max())


def test_ties_of_whole_multiplets_and_cut_ones(rng):
    """A plane and a line of equal σ: at rank 1 the line is as good as a part of the plane, at rank 2 the plane is."""
    line = lv.groups.matrices([[[1.0]], [[1.0]]])
    rep = lv.groups.direct_sum(lv.groups.matrices(zoo.S3_PLANE), line)
    m = lv.Moments.from_data(np.sqrt(3) * np.eye(3), np.sqrt(3) * np.eye(3))
    for rank in (1, 2, 3):
        gap = lv.equivariance_gap(m, rep, rank=rank, output=rep)
        assert (gap.cuts_multiplet, gap.loss_gap, gap.hard_wired.rank) == (False, 0.0, rank)
        assert gap.hard_wired.unique
        assert gap.augmented.unique is (rank == 3)
        assert gap.equivariance_error < 1e-15


@pytest.mark.parametrize("seed", range(10))
def test_copies_that_depend_on_each_other(seed):
    """A third copy that repeats the first, at another scale, beside one of 1e-6: the loss of the two alone."""
    rng, quarter = np.random.default_rng(seed), zoo.turn(np.pi / 2).round()
    two, three = (lv.groups.matrices([np.kron(np.eye(k), quarter)]) for k in (2, 3))
    X, Y = rng.standard_normal((30, 4)), rng.standard_normal((30, 4))
    more = np.hstack([X, X[:, :2]]) * np.repeat([1, 2.0**-TWENTIETH, 2.0 ** -rng.integers(0, 12)], 2)
    alone = lv.solve(lv.hard_wired(lv.Moments.from_data(X, Y), two, rank=2, output=two))
    s = lv.solve(lv.hard_wired(lv.Moments.from_data(more, Y), three, rank=2, output=two))
    assert (s.data_rank, s.rank) == (4, 2)
    assert s.loss == pytest.approx(alone.loss, rel=1e-13)


def test_weights_that_overflow_are_refused_and_large_ones_are_not(rng):
    rep = lv.groups.matrices(zoo.Q8)
    X, Y = rng.standard_normal((2, 10, 4))
    assert lv.equivariance_gap(lv.Moments.from_data(X * 1e-300, Y), rep, rank=3, output=rep).cuts_multiplet
    for inputs, targets in ((1e-310, 1.0), (1e-300, 1e150)):
        m = lv.Moments.from_data(X * inputs, Y * targets)
        with pytest.raises(ValueError, match="weights overflow"):
            lv.solve(lv.hard_wired(m, rep, rank=4, output=rep))
