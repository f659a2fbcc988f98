"""All jumps of the path, and none that is none: against branches in closed form, their crossings in 50 digits.

S is diagonal, the group flips signs, and every output sees inputs of its own: σ² = c + Σ w p/(p + λ), one branch for
each output, whose weights w, c and places p are free. The outputs are then turned by a random orthogonal matrix, and
what is left is a problem like any other.
"""

import itertools
import math

import mpmath
import numpy as np
import pytest

import linvariance as lv
import zoo

DIGITS = 50


class Branch:
    """σ²(λ) = constant + Σ w p/(p + λ) over the pairs (w, p) in `terms`."""

    def __init__(self, constant, *terms):
        self.constant, self.terms = float(constant), [(float(w), float(p)) for w, p in terms]

    def __call__(self, strength):
        return self.constant + sum(mpmath.mpf(w) * p / (p + mpmath.mpf(strength)) for w, p in self.terms)


def path_of(branches, rank, seed):
    """A regularization path with these branches, outputs and inputs in random order."""
    columns, scales, signs = [], [], []
    for output, branch in zip(np.eye(len(branches)), branches, strict=True):
        for weight, place in [(branch.constant, None), *branch.terms]:
            if weight:
                columns.append(np.sqrt(weight) * output)
                scales.append(1.3 if place is None else 2 * np.sqrt(place))  # ‖v G‖² = 4 for a flipped coordinate
                signs.append(1.0 if place is None else -1.0)
    n = len(columns)
    X, Y = np.sqrt(n) * np.diag(scales), np.sqrt(n) * (zoo.orthonormal(len(branches), seed) @ np.array(columns).T).T
    return lv.regularization_path(lv.Moments.from_data(X, Y), lv.groups.matrices([np.diag(signs)]), rank=rank)


def product(P, Q):
    out = [mpmath.mpf(0)] * (len(P) + len(Q) - 1)
    for (i, a), (j, b) in itertools.product(enumerate(P), enumerate(Q)):
        out[i + j] += a * b
    return out


def roots(one, other):
    """All λ > 0 with one = other, as the roots of the numerator of their difference."""
    terms = [*one.terms, *((-w, p) for w, p in other.terms)]
    places = sorted({p for _, p in terms})
    parts = [(mpmath.mpf(one.constant) - other.constant, places)]
    parts += [(mpmath.mpf(w) * p, [q for q in places if q != p]) for w, p in terms]
    total = [mpmath.mpf(0)] * (len(places) + 1)
    for factor, rest in parts:
        P = [factor]
        for q in rest:
            P = product(P, [mpmath.mpf(1), mpmath.mpf(q)])
        total[len(total) - len(P) :] = [a + b for a, b in zip(total[len(total) - len(P) :], P, strict=True)]
    while total and abs(total[0]) <= mpmath.mpf(10) ** (10 - DIGITS) * max(map(abs, total)):
        total = total[1:]
    found = mpmath.polyroots(total, maxsteps=1000, extraprec=400) if len(total) > 1 else []
    return [z.real for z in found if z.real > 0 and abs(z.imag) < mpmath.mpf(10) ** -25 * abs(z)]


def crossings(branches, rank):
    """λ at which the set of the r largest branches changes."""
    with mpmath.workdps(DIGITS):
        places = sorted(z for pair in itertools.combinations(branches, 2) for z in roots(*pair))
        places = [z for k, z in enumerate(places) if not k or z > places[k - 1] * (1 + mpmath.mpf(10) ** -12)]
        between = [a * mpmath.sqrt(b / a) for a, b in itertools.pairwise(places)]
        between = [places[0] / 1000, *between, places[-1] * 1000] if places else []
        tops = [
            frozenset(sorted(range(len(branches)), key=lambda k: -branches[k](strength))[:rank]) for strength in between
        ]
        return [float(z) for z, a, b in zip(places, tops[:-1], tops[1:], strict=True) if a != b]


def assert_jumps(f, expected):
    jumps = f.jumps
    assert len(jumps) == len(expected)
    for jump, where in zip(jumps, expected, strict=True):
        assert jump.lower < where < jump.upper
        assert jump.lower < jump.strength < jump.upper
    assert not expected or f.smallest_gap == 0


def crossed(rng, places, shapes):
    """Two branches that are equal at given λ: p/(p + λ) = c + Σ_k w_k q_k/(q_k + λ), negative terms to the left."""
    p, *q = shapes
    with mpmath.workdps(60):
        rows = [[1, *(mpmath.mpf(k) / (k + mpmath.mpf(z)) for k in q)] for z in places]
        c, *w = mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix([p / (p + mpmath.mpf(z)) for z in places]))
    left, right = [(1.0, p), *((-a, k) for a, k in zip(w, q, strict=True) if a < 0)], zip(w, q, strict=True)
    return Branch(max(-c, 0), *left), Branch(max(c, 0), *((a, k) for a, k in right if a > 0))


def apart(one, other, places, outputs):
    """Whether the branches are told apart between their crossings: by more than 16 times the rounding of σ."""
    middles = [math.sqrt(a * b) for a, b in itertools.pairwise(places)]
    distance = min(abs(mpmath.sqrt(one(z)) - mpmath.sqrt(other(z))) for z in middles)
    size = math.sqrt(sum(b.constant + sum(w for w, _ in b.terms) for b in (one, other, *outputs)))
    return distance > 16 * 12 * np.finfo(float).eps * size


def bystanders(rng, rank):
    """Branches that lie above the others, one less than the rank, and up to two that lie below."""
    above = [Branch(10 ** rng.uniform(1, 2), (rng.uniform(1, 9), rng.uniform(0.5, 2))) for _ in range(rank - 1)]
    below = [Branch(0, (1e-5 * rng.uniform(0.1, 1), rng.uniform(0.5, 2))) for _ in range(rng.integers(0, 3))]
    return above + below


def tuned(seed):
    """Two or three crossings, the nearest 1e-5 apart, between two branches at the rank."""
    rng = np.random.default_rng(seed)
    rank, count = int(rng.integers(1, 4)), 2 + seed % 2
    others = bystanders(rng, rank)
    while True:
        steps = 10 ** rng.uniform([-5, -3][seed % 2], 0.3, count - 1)
        places = np.exp(rng.uniform(-3, 3)) * np.cumprod(1 + np.append(0, steps))
        pair = crossed(rng, places, np.exp(rng.uniform(-3, 3, count)))
        if all(b.terms and max(w for w, _ in b.terms) < 20 for b in pair) and apart(*pair, places, others):
            branches = [*pair, *others]
            return [branches[k] for k in rng.permutation(len(branches))], rank


@pytest.mark.parametrize("seed", range(60))
def test_pairs_and_triples_of_crossings(seed):
    branches, rank = tuned(seed)
    expected = crossings(branches, rank)
    assert len(expected) >= 2
    f = path_of(branches, rank, seed)
    assert_jumps(f, expected)
    assert f.is_certified


def extreme(seed):
    """One crossing far beyond the τ², or far below: of a decaying branch with a constant, or of two that decay."""
    rng = np.random.default_rng(seed)
    p, q = np.exp(rng.uniform(-1, 1, 2))
    far = [(6, 12), (-10, -6), (4, 7), (-8, -5)][seed % 4]
    where = 10 ** rng.uniform(*far)
    pair = [
        Branch(0, ((p + where) / p, p)),
        Branch(0, ((q + where) / q, q)) if seed % 4 >= 2 else Branch(1),
    ]
    rank = int(rng.integers(1, 3))
    if rank == 2:
        pair.append(Branch(100 * (1 + where), (rng.uniform(1, 9), 1.0)))
    return pair, rank


@pytest.mark.parametrize("seed", range(60))
def test_crossings_at_extreme_strengths(seed):
    branches, rank = extreme(seed)
    expected = crossings(branches, rank)
    assert len(expected) == 1
    f = path_of(branches, rank, seed)
    assert_jumps(f, expected)
    assert f.is_certified


@pytest.mark.parametrize("seed", range(30))
def test_branches_at_random(seed):
    rng = np.random.default_rng(seed)
    branches = [
        Branch(
            rng.choice([0, rng.uniform(0, 1)]),
            *((np.exp(rng.uniform(-2, 2)), np.exp(rng.uniform(-4, 4))) for _ in range(rng.integers(1, 3))),
        )
        for _ in range(rng.integers(2, 7))
    ]
    rank = int(rng.integers(1, len(branches)))
    f = path_of(branches, rank, seed)
    assert_jumps(f, crossings(branches, rank))
    assert f.is_certified


@pytest.mark.parametrize("seed", range(12))
def test_several_branches_through_one_point_are_one_jump(seed):
    rng = np.random.default_rng(seed)
    where = np.exp(rng.uniform(-2, 2))
    branches = [Branch(0, ((p + where) / p, p)) for p in np.exp(rng.uniform(-2, 2, 3))] + [Branch(1)]
    f = path_of(branches, int(rng.integers(1, 4)), seed)
    (jump,) = f.jumps
    assert jump.lower < where < jump.upper
    assert f.is_certified


@pytest.mark.parametrize("seed", range(12))
def test_touched_ties_are_no_jumps(seed):
    """Equal at λ₀, with equal derivatives: the order is the same on both sides, which rounding cannot tell."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 4))
    while True:
        (p, q), where = np.exp(rng.uniform(-2, 2, 2)), np.exp(rng.uniform(-2, 2))
        w = (p / (p + where) ** 2) / (q / (q + where) ** 2)
        c = p / (p + where) - w * q / (q + where)
        if c > 1e-3:
            break
    f = path_of([Branch(0, (1, p)), Branch(c, (w, q)), *bystanders(rng, rank)], rank, seed)
    assert f.jumps == ()
    assert not f.is_certified
    (near,) = f.near_crossings
    assert near.strength == pytest.approx(where, rel=1e-4)
    assert 0 < near.slope < 1e3


@pytest.mark.parametrize("seed", range(12))
def test_a_narrow_gap_is_no_jump_and_that_is_proved(seed):
    """The crossing of the counterexample, avoided: both outputs see f, the one by as little as `coupling`."""
    rng = np.random.default_rng(seed)
    coupling = 10.0 ** rng.uniform(-11, -3)
    e, f = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    C = zoo.orthonormal(2, seed) @ np.array([e + coupling * f, 2 * f])
    path = lv.regularization_path(
        lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * C.T), lv.groups.symmetric(2), rank=1
    )
    assert path.jumps == ()
    assert path.is_certified
    (near,) = path.near_crossings
    assert near.strength == pytest.approx(0.75, abs=10 * coupling)
    assert near.gap == pytest.approx(coupling / 2, rel=0.1)
    assert path.smallest_gap == pytest.approx(near.gap, abs=30 * np.finfo(float).eps)


def test_a_tie_inside_one_block_is_a_jump():
    """M(λ) = [[3, 0], [0, 1]]·s(λ) + ..., chosen such that M(1) = 1 but no direction is left alone at all λ."""
    one = np.array([[2.0, 0.5], [0.5, 1.0]])  # the part that decays like 1/(1 + λ), half of it left at λ = 1
    two = np.array([[1.0, -0.3], [-0.3, 2.0]])  # like 4/(4 + λ)
    rest = 4 * np.eye(2) - one / 2 - two * 0.8
    C = np.hstack([np.linalg.cholesky(part) for part in (rest, one, two)])
    X = np.sqrt(6) * np.diag([1, 1, 2, 2, 4, 4])
    m = lv.Moments.from_data(X, np.sqrt(6) * C.T)
    f = lv.regularization_path(m, lv.groups.matrices([np.diag([1.0, 1, -1, -1, -1, -1])]), rank=1)
    (jump,) = f.jumps
    assert jump.strength == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("rank", [1, 2])
def test_copies_of_a_branch_are_crossed_together(rank):
    """σ_r = σ_{r+1} for whole ranges of strengths, and still the third branch crosses both."""
    twice, other = Branch(0.2, (1, 1)), Branch(0.25, (1.5, 0.3))
    f = path_of([twice, twice, other], rank, 0)
    expected = crossings([twice, other], 1)
    assert len(expected) == 2
    assert_jumps(f, expected)
    assert not f.is_certified
    assert f.smallest_gap == 0


@pytest.mark.parametrize("ratio", [2.0, 1e3, 1e5, 1e7])
def test_the_counterexample_to_theorem_9_at_any_ratio(ratio):
    e, g = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    m = lv.Moments.from_data(np.sqrt(2) * np.eye(2), np.sqrt(2) * np.array([e, ratio * g]).T)
    f = lv.regularization_path(m, lv.groups.symmetric(2), rank=1)
    assert [jump.strength for jump in f.jumps] == pytest.approx([(ratio**2 - 1) / 4], rel=1e-8)
    assert f.smallest_gap == 0
    assert f.is_certified


@pytest.mark.parametrize("small", [1e-4, 1e-6, 1e-8, 1e-10])
def test_jumps_among_singular_values_that_are_small(small):
    """Compared with σ_1; places are known to rounding over their own size."""
    pair = [Branch(0.3 * small**2, (small**2, 0.4)), Branch(0, (1.2 * small**2, 1.0))]
    expected = crossings(pair, 1)
    f = path_of([Branch(1, (2, 1)), *pair], 2, 3)
    assert expected
    assert [jump.strength for jump in f.jumps] == pytest.approx(expected, rel=1e-14 / small)
    assert f.is_certified


def posed(seed, structured):
    """Random data, or integers that are full of ties, under four kinds of groups."""
    rng = np.random.default_rng(seed)
    d0, outputs, n = int(rng.integers(2, 9)), int(rng.integers(1, 6)), int(rng.integers(2, 20))
    groups = (lv.groups.cyclic, lv.groups.symmetric, lambda k: lv.groups.permutations([rng.permutation(k)]))
    rep = groups[seed % 3](d0)
    X, Y = rng.standard_normal((n, d0)), rng.standard_normal((n, outputs))
    if structured:
        X = np.sqrt(d0) * np.eye(d0) if seed % 2 else rng.integers(-2, 3, (n, d0))
        Y = rng.integers(-2, 3, (len(X), outputs))
    return lv.Moments.from_data(X, Y), rep


@pytest.mark.parametrize("structured", [False, True])
def test_absence_is_proved(structured):
    paths = [lv.regularization_path(*posed(seed, structured), rank=1 + seed // 3 % 3) for seed in range(60)]
    assert sum(f.is_certified for f in paths) == 60
    assert structured or not any(f.jumps for f in paths)


@pytest.mark.parametrize("seed", range(20))
def test_certificates_where_nothing_can_cross(seed):
    m, rep = posed(seed, structured=seed % 2)
    rng = np.random.default_rng(seed)
    Y = rng.standard_normal((7, 2)) @ rng.standard_normal((2, 5))
    flat = lv.Moments.from_data(rng.standard_normal((7, 6)), Y)
    for f in (
        lv.regularization_path(m, rep, rank=m.outputs),
        lv.regularization_path(m, rep, rank=rep.dim),
        lv.regularization_path(m, lv.groups.trivial(rep.dim), rank=1),
        lv.regularization_path(flat, lv.groups.cyclic(6), rank=2),  # rank Z = 2
        lv.regularization_path(m, lv.groups.matrices([-np.eye(rep.dim)]), rank=1 + seed % 2),  # no invariants
    ):
        assert f.jumps == ()
        assert f.is_certified


@pytest.mark.parametrize("scales", [(1e-150, 1e-150), (1e-150, 1e150), (1e100, 1e-150), (1e100, 1e150)])
def test_the_scale_of_the_data_does_not_matter(scales):
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    plain, scaled = (
        lv.regularization_path(lv.Moments.from_data(a * X, b * Y), lv.groups.cyclic(4), rank=1)
        for a, b in ((1.0, 1.0), scales)
    )
    assert scaled.is_certified
    assert scaled.smallest_gap == pytest.approx(plain.smallest_gap, rel=1e-9)


def test_levels_between_two_near_jumps_and_far_out_are_met():
    """Between two jumps ‖W⊥‖ takes values that it has nowhere else; beyond it falls like 1/λ."""
    above, below = Branch(0.2, (1, 1)), Branch(0.25, (1.5, 0.3))
    f = path_of([above, below], 1, 0)
    first, second = f.jumps
    ends = f.evaluate([first.upper, second.lower]).norm_perp
    for wanted in (*ends, ends.mean()):
        assert f.evaluate([f.strength_for(norm_perp=wanted)]).norm_perp[0] == pytest.approx(wanted, rel=1e-6)
    for wanted in (1e-9, 1e-12):
        assert f.evaluate([f.strength_for(norm_perp=wanted)]).norm_perp[0] == pytest.approx(wanted, rel=1e-3)
    swapped = path_of([Branch(1), Branch(0, (4, 1))], 1, 0)  # W⊥ = 0 beyond the jump at 3, to rounding
    assert swapped.strength_for(norm_perp=0.0) > 3
    assert swapped.strength_for(loss=swapped.limit.loss) > 3
