"""Equivariant targets: the knapsack over multiplets, augmentation of both sides, the equivariant penalty."""

import numpy as np
import pytest

import linvariance as lv
import zoo
from equivariant_problems import TURN, Drawn, best_choice
from linvariance.groups.intertwiners import intertwine
from tolerances import bounded, close

CASES = 240
seen: dict[str, int] = {}


@pytest.mark.parametrize("seed", range(CASES))
def test_the_knapsack_is_brute_force_over_all_choices(seed):
    case = Drawn(seed, condition=5.0 if seed % 4 == 3 else None)
    rank = 1 + seed // 7 % case.dY
    gain, subset = best_choice(case.items(), rank)
    for _, s, kind in subset:
        seen[kind] = seen.get(kind, 0) + (s > 1e-9)
    problem = lv.hard_wired(case.moments, case.rep, rank=rank, output=case.output)
    solution = lv.solve(problem)
    W = solution.weights
    bounded("knapsack: loss = brute force", abs(solution.loss - (case.c - gain)), norms=case.c, **case.tolerances)
    bounded(
        "knapsack: loss is that of the weights", abs(solution.loss - case.literal(W)), norms=case.c, **case.tolerances
    )
    bounded("knapsack: problem.loss", abs(problem.loss(W) - case.literal(W)), norms=case.c, **case.tolerances)
    close("knapsack: equivariant", case.mean(W), W, norms=np.linalg.norm(W), **case.tolerances)
    assert np.linalg.matrix_rank(W, tol=1e-9) <= rank
    assert solution.rank <= rank
    # No equivariant matrix with the same range does better.
    U, s, _ = np.linalg.svd(W)
    U = U[:, : int((s > 1e-9).sum())]
    for scale in (1e-3, 1.0):
        rival = U @ U.T @ (W + scale * case.mean(case.rng.standard_normal(W.shape)))
        bounded("knapsack: rivals lose", max(0.0, solution.loss - case.literal(rival)), norms=case.c, **case.tolerances)
    # Nor do choices of other invariant ranges, by truncating random equivariant maps at whole multiplets.
    free = lv.solve(lv.augmented(case.moments, case.rep, rank=rank, output=case.output))
    bounded("knapsack: augmented <= hard-wired", max(0.0, free.loss - solution.loss), norms=case.c, **case.tolerances)


def test_all_three_types_were_chosen():
    """Runs after the cases above: none of the types was left out."""
    if sum(seen.values()) == 0:
        pytest.skip("the cases did not run in this process")
    assert CASES >= 200
    assert all(seen[kind] >= 20 for kind in ("real", "complex", "quaternionic")), seen


@pytest.mark.parametrize("seed", range(42))
def test_augmented_is_the_literal_problem(seed):
    """Loss, gradient and optimum against sums over elements; the best of any rank, by SVD of the literal Z."""
    case = Drawn(1000 + seed, condition=(None, 4.0)[seed % 2])
    rank = 1 + seed % case.dY
    problem = lv.augmented(case.moments, case.rep, rank=rank, output=case.output)
    W = case.rng.standard_normal((case.dY, case.dX))
    norms = case.literal(W) + case.c
    bounded("augmented, both sides: loss", abs(problem.loss(W) - case.literal(W)), norms=norms, **case.tolerances)
    D = np.mean([2 / case.samples * (W @ x @ case.X - y @ case.Y) @ (x @ case.X).T for y, x in case.elements], axis=0)
    close("augmented, both sides: gradient", problem.gradient(W), D, norms=np.linalg.norm(D) + norms, **case.tolerances)
    values, V = np.linalg.eigh(case.S)
    s = np.linalg.svd(case.C @ (V / np.sqrt(values)) @ V.T, compute_uv=False)
    solution = lv.solve(problem)
    expected = case.c - float(np.sum(s[:rank] ** 2))
    bounded("augmented, both sides: optimum", abs(solution.loss - expected), norms=case.c, **case.tolerances)
    bounded(
        "augmented, both sides: its weights",
        abs(case.literal(solution.weights) - expected),
        norms=case.c,
        **case.tolerances,
    )


# ----------------------------------------------------------------------------------------- theory.md §2, item 3


@pytest.mark.parametrize("sigma", [1.0, 0.3])
def test_c3_on_the_plane(sigma):
    """S = 1, C̄ = σ·(a turn): r = 1 gives c - σ² augmented and c hard-wired, r = 2 gives c - 2σ² for both."""
    turn, target = zoo.turn(TURN), sigma * zoo.turn(0.7)
    rep = lv.groups.matrices([turn])
    X = np.sqrt(2) * np.eye(2)
    Y = target @ X + np.array([[0.0], [1.0]]) @ np.zeros((1, 2))
    m, c = lv.Moments.from_data(X.T, Y.T), float(np.sum(Y**2)) / 2
    elements = [np.linalg.matrix_power(turn, k) for k in range(3)]
    literal = lambda W: np.mean([np.sum((W @ g @ X - g @ Y) ** 2) / 2 for g in elements])  # noqa: E731
    augmented, hard = (
        [lv.solve(pose(m, rep, rank=r, output=rep)) for r in (1, 2)] for pose in (lv.augmented, lv.hard_wired)
    )
    assert [s.loss for s in augmented] == pytest.approx([c - sigma**2, c - 2 * sigma**2], abs=1e-14)
    assert [s.loss for s in hard] == pytest.approx([c, c - 2 * sigma**2], abs=1e-14)
    np.testing.assert_array_equal(hard[0].weights, 0)
    assert hard[0].rank == 0
    assert not augmented[0].unique
    assert hard[0].unique
    assert hard[1].unique
    np.testing.assert_allclose(hard[1].weights, target, atol=1e-14)
    np.testing.assert_allclose(augmented[1].weights, target, atol=1e-14)
    # Brute force over rank-one matrices s·u vᵀ on the literally augmented data.
    angles = np.linspace(0, np.pi, 181)
    u = np.stack([np.cos(angles), np.sin(angles)])
    best = min(
        literal(size * np.outer(u[:, i], u[:, j]))
        for i in range(0, 181, 6)
        for j in range(0, 181, 6)
        for size in (-sigma, sigma)
    )
    assert augmented[0].loss <= best + 1e-14
    assert best - augmented[0].loss < 3e-3 * sigma**2
    gap = lv.equivariance_gap(m, rep, rank=1, output=rep)
    assert gap.cuts_multiplet
    assert gap.loss_gap == pytest.approx(sigma**2, rel=1e-12)
    assert gap.equivariance_error == pytest.approx(np.sqrt(0.5), rel=1e-12)
    assert [(d, pytest.approx(s)) for s, d in gap.multiplets] == [(2, sigma)]
    whole = lv.equivariance_gap(m, rep, rank=2, output=rep)
    assert not whole.cuts_multiplet
    assert whole.loss_gap == pytest.approx(0, abs=1e-14)
    assert whole.equivariance_error < 1e-14


@pytest.mark.parametrize("seed", range(28))
def test_the_two_agree_exactly_at_the_ends_of_multiplets(seed):
    case = Drawn(2000 + seed)
    items = sorted((item for item in case.items() if item[1] > 1e-9), key=lambda item: -item[1])
    ends = {0, *np.cumsum([d for d, _, _ in items])}
    for rank in range(1, case.dY + 1):
        gap = lv.equivariance_gap(case.moments, case.rep, rank=rank, output=case.output)
        cuts = rank not in ends and rank < sum(d for d, _, _ in items)
        assert gap.cuts_multiplet is cuts
        assert [d for _, d in gap.multiplets] == [d for d, _, _ in items]
        np.testing.assert_allclose([s for s, _ in gap.multiplets], [s for _, s, _ in items], rtol=1e-10)
        free = gap.augmented
        off = np.linalg.norm(free.weights - case.mean(free.weights))
        assert gap.equivariance_error == pytest.approx(off / np.linalg.norm(free.weights), abs=1e-10)
        if cuts:
            assert gap.loss_gap > 1e-9
            assert gap.equivariance_error > 1e-6
            assert not free.unique
        else:
            bounded("ends of multiplets: losses", abs(gap.loss_gap), norms=case.c, **case.tolerances)
            close(
                "ends of multiplets: weights",
                free.weights,
                gap.hard_wired.weights,
                norms=np.linalg.norm(free.weights),
                dims=case.dX,
                condition=np.linalg.cond(case.S) * 1e3,
            )


def test_a_tie_between_choices_is_not_unique():
    """S3 on one coordinate and on the plane; gains 2·1² and 2 x 1... two lines of σ = 1 against a plane of σ = 1."""
    lines = lv.groups.matrices([np.diag([1.0, 1.0])] * 2)
    rep = lv.groups.direct_sum(lines, lv.groups.matrices(zoo.S3_PLANE))
    m = lv.Moments.from_data(2 * np.eye(4), 2 * np.eye(4))  # S = C = 1
    assert not lv.solve(lv.hard_wired(m, rep, rank=2, output=rep)).unique
    assert not lv.solve(lv.hard_wired(m, rep, rank=3, output=rep)).unique
    assert lv.solve(lv.hard_wired(m, rep, rank=4, output=rep)).unique
    graded = lv.Moments.from_data(2 * np.eye(4), 2 * np.diag([3.0, 2.0, 1.0, 1.0]))
    three = lv.solve(lv.hard_wired(graded, rep, rank=3, output=rep))
    assert (three.unique, three.rank) == (True, 2)  # the plane does not fit beside both lines
    np.testing.assert_allclose(three.weights, np.diag([3.0, 2, 0, 0]), atol=1e-14)


def test_equal_multiplets_of_one_kind_are_taken_one_by_one():
    """Two copies of Q8's four-dimensional part with the same σ: rank 4 takes one of them, rank 8 both."""
    rep = lv.groups.matrices(zoo.conjugated(zoo.block(zoo.Q8, zoo.Q8)))
    m = lv.Moments.from_data(np.sqrt(8) * np.eye(8), np.sqrt(8) * np.eye(8))
    for rank, taken in ((3, 0), (4, 4), (7, 4), (8, 8), (20, 8)):
        solution = lv.solve(lv.hard_wired(m, rep, rank=rank, output=rep))
        assert solution.rank == taken
        assert solution.loss == pytest.approx(8 - taken, abs=1e-12)
        W = solution.weights
        close("equal multiplets: equivariant", rep.matrices() @ W, W @ rep.matrices(), norms=3, dims=8)
        assert solution.unique is (taken != 4)


def test_no_common_part_means_zero():
    """The sign on one side, the trivial representation on the other."""
    sign, one = lv.groups.matrices([[[-1.0]]]), lv.groups.matrices([[[1.0]]])
    rng = np.random.default_rng(0)
    m = lv.Moments.from_data(rng.standard_normal((9, 1)), rng.standard_normal((9, 1)))
    for pose in (lv.hard_wired, lv.augmented):
        solution = lv.solve(pose(m, sign, rank=1, output=one))
        assert np.abs(solution.weights).max() < 1e-15
        assert solution.rank == 0
        assert solution.loss == pytest.approx(m.yy, rel=1e-14)
    zero = lv.Moments.from_data(np.zeros((9, 1)), rng.standard_normal((9, 1)))
    assert lv.solve(lv.hard_wired(zero, sign, rank=1, output=sign)).rank == 0


def test_trivial_outputs_are_the_invariant_problem(rng):
    rep = lv.groups.dihedral(5)
    output = lv.groups.matrices(np.stack([np.eye(3)] * 2))
    m = lv.Moments.from_data(rng.standard_normal((40, 5)), rng.standard_normal((40, 3)))
    for pose in (lv.hard_wired, lv.augmented):
        for rank in (1, 3):
            plain, both = (lv.solve(pose(m, rep, rank=rank, **o)) for o in ({}, {"output": output}))
            assert both.loss == pytest.approx(plain.loss, rel=1e-12)
            np.testing.assert_allclose(both.weights, plain.weights, atol=1e-12)


def test_lie_groups_act_on_both_sides(rng):
    """Vectors to vectors under SO(3): the answer is a multiple of 1, of rank 0 or 3."""
    so3 = lv.groups.rotations(3)
    X, Y = rng.standard_normal((2, 50, 3))
    Y = Y + 2 * X
    m = lv.Moments.from_data(X, Y)
    best = np.vdot(X, Y) / np.vdot(X, X)
    for rank in (1, 2, 3):
        solution = lv.solve(lv.hard_wired(m, so3, rank=rank, output=so3))
        np.testing.assert_allclose(solution.weights, best * np.eye(3) * (rank == 3), atol=1e-13)
    cloud = lv.groups.direct_sum(so3, so3)
    X2 = rng.standard_normal((50, 6))
    W = lv.solve(lv.hard_wired(lv.Moments.from_data(X2, Y), cloud, rank=3, output=so3)).weights
    A = np.array([[np.vdot(X2[:, 3 * i : 3 * i + 3], X2[:, 3 * j : 3 * j + 3]) for j in (0, 1)] for i in (0, 1)])
    b = np.array([np.vdot(X2[:, 3 * i : 3 * i + 3], Y) for i in (0, 1)])
    np.testing.assert_allclose(W, np.kron(np.linalg.solve(A, b), np.eye(3)), atol=1e-12)


@pytest.mark.parametrize("seed", range(14))
@pytest.mark.parametrize("condition", [None, 4.0])
def test_few_samples(seed, condition):
    """S̄ singular: the hard-wired optimum is equivariant on the whole space, not only where data lie."""
    case = Drawn(3000 + seed, samples=1, condition=condition)
    solution = lv.solve(lv.hard_wired(case.moments, case.rep, rank=case.dY, output=case.output))
    W = solution.weights
    assert solution.loss == pytest.approx(case.literal(W), abs=1e-10 * case.c)
    np.testing.assert_allclose(case.mean(W), W, atol=1e-8 * max(1, np.linalg.norm(W)))
    rivals = [case.mean(case.rng.standard_normal(W.shape)) for _ in range(3)]
    assert all(case.literal(W + 0.1 * V) >= solution.loss - 1e-10 * case.c for V in rivals)


# ------------------------------------------------------------------------------------------------------- penalties


def dense_optimum(case, strength):
    """The linear system written out with Kronecker products, rows of W one after another."""
    S, C = case.X @ case.X.T / case.samples, case.Y @ case.X.T / case.samples
    A = np.kron(np.eye(case.dY), S)
    for y, x in zip(case.gY, case.gX, strict=True):
        P = np.kron(np.eye(case.dY), x.T) - np.kron(y, np.eye(case.dX))
        A = A + strength * P.T @ P
    return np.linalg.solve(A, C.ravel()).reshape(C.shape)


def penalized(case, W, strength):
    plain = np.sum((W @ case.X - case.Y) ** 2) / case.samples
    return plain + strength * sum(np.sum((W @ x - y @ W) ** 2) for y, x in zip(case.gY, case.gX, strict=True))


@pytest.mark.parametrize("seed", range(14))
@pytest.mark.parametrize("condition", [None, 4.0])
def test_penalty(seed, condition):
    case = Drawn(4000 + seed, condition=condition)
    W, V = case.rng.standard_normal((2, case.dY, case.dX))
    for strength in (0.0, 0.3, 20.0):
        pose = lambda rank, k=strength: lv.regularized(  # noqa: E731
            case.moments, case.rep, rank=rank, strength=k, output=case.output
        )
        problem = pose(case.dY)
        literal = penalized(case, W, strength)
        assert problem.loss(W) == pytest.approx(literal, rel=1e-12)
        step = 1e-4  # the loss is quadratic: central differences are exact but for rounding
        slope = (problem.loss(W + step * V) - problem.loss(W - step * V)) / (2 * step)
        assert np.vdot(problem.gradient(W), V) == pytest.approx(slope, abs=1e-9 * literal / step * 1e-2)
        solution, expected = lv.solve(problem), dense_optimum(case, strength)
        np.testing.assert_allclose(solution.weights, expected, atol=1e-8 * np.linalg.norm(expected))
        assert solution.loss == pytest.approx(penalized(case, expected, strength), rel=1e-10)
        assert solution.certified
        if case.dY > 1:
            cut = lv.solve(pose(1))
            assert not cut.certified
            assert not cut.unique
            assert np.linalg.matrix_rank(cut.weights, tol=1e-7 * np.linalg.norm(cut.weights)) <= 1
            U, s, Vt = np.linalg.svd(expected)
            assert solution.loss <= cut.loss <= penalized(case, s[0] * np.outer(U[:, 0], Vt[0]), strength) + 1e-12
            assert cut.loss == pytest.approx(penalized(case, cut.weights, strength), rel=1e-12)


@pytest.mark.parametrize("seed", range(7))
def test_a_strong_penalty_tends_to_hard_wiring(seed):
    case = Drawn(5000 + seed)
    hard = lv.solve(lv.hard_wired(case.moments, case.rep, rank=case.dY, output=case.output)).weights
    distances = []
    for strength in (1e2, 1e3, 1e4, 1e5):
        problem = lv.regularized(case.moments, case.rep, rank=case.dY, strength=strength, output=case.output)
        distances.append(np.linalg.norm(lv.solve(problem).weights - hard))
    if distances[0] > 1e-9:  # it is 0 if every map is equivariant
        np.testing.assert_allclose(np.divide(distances[:-1], distances[1:]), 10, rtol=0.3)


# ------------------------------------------------------------------------------------------------ training, refusals


def small(seed=6):
    return Drawn(seed)  # of the octahedral group


def test_training_on_augmented_pairs_descends_to_the_optimum():
    case = Drawn(1)
    problem = lv.augmented(case.moments, case.rep, rank=case.dY, output=case.output)
    best = lv.solve(problem)
    rate = 0.2 / np.linalg.eigvalsh(case.S)[-1]
    trace = lv.train(problem, epochs=3000, optimizer=lv.GradientDescent(lr=rate), record=lv.Record(every=500))
    assert (np.diff(trace.loss) <= 1e-12).all()
    assert trace.loss[-1] >= best.loss - 1e-12
    assert trace.loss[-1] - best.loss < 1e-6 * case.c
    W = trace.network.weights[-1]
    for layer in trace.network.weights[-2::-1]:
        W = W @ layer
    assert problem.loss(W) == pytest.approx(trace.loss[-1], rel=1e-9)


@pytest.mark.parametrize("method", ["hard_wired", "regularized"])
def test_what_cannot_be_trained_says_so(method):
    case = small()
    extra = {"strength": 1.0} if method == "regularized" else {}
    problem = getattr(lv, method)(case.moments, case.rep, rank=2, output=case.output, **extra)
    with pytest.raises(ValueError, match=r"use solve, or the augmented problem\."):
        lv.train(problem, epochs=1)
    network = lv.Network([np.ones((2, case.dX)), np.ones((case.dY, 2))])
    with pytest.raises(ValueError, match=r"use solve, or the augmented problem\."):
        lv.hessian(problem, network)


def test_a_wrong_output_is_refused():
    case = small()
    poses = {
        "hard_wired": lambda o: lv.hard_wired(case.moments, case.rep, rank=2, output=o),
        "augmented": lambda o: lv.augmented(case.moments, case.rep, rank=2, output=o),
        "regularized": lambda o: lv.regularized(case.moments, case.rep, rank=2, strength=1.0, output=o),
        "equivariance_gap": lambda o: lv.equivariance_gap(case.moments, case.rep, rank=2, output=o),
        "intertwine": lambda o: intertwine(np.ones((case.dY, case.dX)), case.rep, o),
    }
    skewed = lv.groups.change_of_basis(case.output, zoo.skewed(case.dY, 3.0))
    for pose in poses.values():
        with pytest.raises(ValueError, match=r"^output must be orthogonal.*change the basis"):
            pose(skewed)
        with pytest.raises(ValueError, match="generators"):
            pose(lv.groups.trivial(case.dY))
        with pytest.raises(TypeError, match="output must be a Representation"):
            pose(np.eye(case.dY))
    for name in ("hard_wired", "augmented", "regularized"):
        with pytest.raises(ValueError, match="Y has"):
            poses[name](lv.groups.matrices(np.stack([np.eye(case.dY + 1)] * 2)))


def test_restrict_projects_on_the_equivariant_maps(rng):
    case = Drawn(7)
    problem = lv.hard_wired(case.moments, case.rep, rank=2, output=case.output)
    W = rng.standard_normal((case.dY, case.dX))
    close("restrict, both sides", problem.restrict(W), case.mean(W), norms=np.linalg.norm(W), dims=case.dX)
    np.testing.assert_array_equal(problem.lift(W), W)


@pytest.mark.parametrize("seed", range(21))
def test_intertwiner_basis(seed):
    """Orthonormal, equivariant, and as many as the mean of χ_Y χ_X."""
    case = Drawn(6000 + seed, condition=(None, 4.0)[seed % 2])
    basis = lv.groups.intertwiner_basis(case.rep, case.output)
    assert len(basis) == round(np.mean([np.trace(y) * np.trace(x) for y, x in case.elements]))
    flat = basis.reshape(len(basis), -1)
    close("intertwiner basis: orthonormal", flat @ flat.T, np.eye(len(basis)), norms=1, dims=case.dX)
    for one in basis:
        close("intertwiner basis: equivariant", case.mean(one), one, norms=1, **case.tolerances)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_descent_for_a_penalty_under_a_rank_bound_is_the_same_at_any_scale(scale):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 3)) * [1, 2, 0.5]
    Y = X @ rng.standard_normal((3, 3)) + rng.standard_normal((40, 3))
    turn = lv.groups.cyclic(3)

    def optimum(x, y):
        data = lv.Moments.from_data(x * X, y * Y)
        return lv.solve(lv.regularized(data, turn, rank=1, output=turn, strength=0.5 * x**2)).loss / y**2

    for x in (1.0, scale):
        np.testing.assert_allclose(optimum(x, scale), optimum(1.0, 1.0), rtol=1e-9)
