"""Distributions on a group: weighted averages, walks, partial turns against literal sums and integrals."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import oracles
import strategies
import zoo
from tolerances import EPS, bounded, close

FINITE = {
    "C5": zoo.ZOO["permutations C5"],
    "S4": zoo.ZOO["permutations S4"],
    "translations": zoo.ZOO["permutations translations"],
    "cube": zoo.ZOO["signed cube"],
    "random signs": zoo.ZOO["signed negacyclic"],
    "D5": zoo.ZOO["orthogonal D5 on the plane"],
    "C5 twice": zoo.ZOO["orthogonal C5, one frequency twice"],
    "S4, not orthogonal": zoo.ZOO["not orthogonal S4"],
    "S3 and plane": zoo.ZOO["joined sum of permutations and turns"],
}
EVERY = pytest.mark.parametrize("name", FINITE)


def dense(rep, elements):
    return np.stack([rep.multiply(np.eye(rep.dim), g) for g in elements])


class Literal:
    """What a list of matrices with probabilities makes of data: everything by sums over the list."""

    def __init__(self, matrices, p, seed=0, n=7, outputs=3):
        rng, dim = np.random.default_rng(seed), len(matrices[0])
        self.matrices, self.p, self.n = matrices, p, n
        self.X = rng.standard_normal((dim, n))
        self.Y = rng.standard_normal((outputs, dim)) @ self.X + rng.standard_normal((outputs, n))
        self.m = lv.Moments.from_data(self.X.T, self.Y.T)
        self.inputs = np.hstack([np.sqrt(w) * g @ self.X for w, g in zip(p, matrices, strict=True)])
        self.targets = np.hstack([np.sqrt(w) * self.Y for w in p])

    @property
    def mean(self):
        return np.tensordot(self.p, self.matrices, 1)

    @property
    def moment(self):
        S = self.X @ self.X.T / self.n
        return sum(w * g @ S @ g.T for w, g in zip(self.p, self.matrices, strict=True))

    def compare(self, claim, rep, mu, condition=1.0, nodes=1.0):
        """Moments, loss, gradient and optima of the weighted problem against the list."""
        dim, c = rep.dim, self.m.yy
        kept = {"dims": (dim, self.n), "condition": condition * nodes}
        close(f"{claim}: mean", mu.mean(), self.mean, norms=np.sqrt(dim), **kept)
        close(f"{claim}: S'", mu.average_moment(self.m.xx), self.moment, norms=np.linalg.norm(self.m.xx), **kept)
        W = np.random.default_rng(1).standard_normal((len(self.Y), dim))
        problem = lv.augmented(self.m, rep, rank=2, distribution=mu)
        loss = np.sum((W @ self.inputs - self.targets) ** 2) / self.n
        bounded(f"{claim}: loss", abs(problem.loss(W) - loss), norms=loss + c, **kept)
        slope = 2 * (W @ self.inputs - self.targets) @ self.inputs.T / self.n
        size = np.linalg.norm(self.inputs) / np.sqrt(self.n) * np.sqrt(loss) + np.linalg.norm(slope)
        close(f"{claim}: gradient", problem.gradient(W), slope, norms=size, **kept)
        close(f"{claim}: S' of the rows", problem.quadratic.moment, self.moment, norms=np.trace(self.moment), **kept)
        for rank in (1, 2, 3):
            best, least, sigma = oracles.reduced_rank(self.inputs, self.targets, rank, n=self.n)
            found = lv.solve(lv.augmented(self.m, rep, rank=rank, distribution=mu))
            s = np.linalg.svd(self.inputs, compute_uv=False)
            conditioned = {**kept, "condition": kept["condition"] * (s[0] / s[s > 1e-10 * s[0]][-1]) ** 2}
            bounded(f"{claim}: optimal loss", abs(found.loss - least), norms=c, **conditioned)
            if rank >= len(sigma) or sigma[rank - 1] - sigma[rank] > 1e-3 * sigma[0]:
                norms = 1e3 * (1 + np.linalg.norm(best))  # wide angles leave W = 0
                close(f"{claim}: optimum", found.weights, best, norms=norms, **conditioned)
        assert found.least_norm


# ---------------------------------------------------------------------------------------------- lists of elements


@EVERY
@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_weights_on_the_elements(name, spread):
    entry = FINITE[name]
    rep, rng = entry.rep, np.random.default_rng(3)
    elements = rep.elements()
    p = rng.dirichlet(np.full(len(elements), spread))
    literal = Literal(dense(rep, elements), p)
    literal.compare("weights", rep, lv.groups.weighted(rep, elements, 7 * p), entry.condition)


@EVERY
def test_a_random_subsample(name):
    entry = FINITE[name]
    mu = lv.groups.sampled(entry.rep, 4, np.random.default_rng(5))
    drawn = dense(entry.rep, entry.rep.draw(4, np.random.default_rng(5)))
    Literal(drawn, np.full(4, 0.25)).compare("subsample", entry.rep, mu, entry.condition)


def test_the_unit_of_the_weights_does_not_matter():
    rep = lv.groups.cyclic(3)
    small, large = (lv.groups.weighted(rep, rep.elements(), unit * np.array([1, 2, 1])) for unit in (1e-300, 4e307))
    np.testing.assert_allclose(small.project([4.0, 0, 0]), [1, 1, 2])
    np.testing.assert_allclose(large.project([4.0, 0, 0]), [1, 1, 2])


def test_a_subsample_of_a_lie_group_and_of_a_huge_one():
    for rep in (lv.groups.rotations(3), lv.groups.symmetric(30)):
        mu = lv.groups.sampled(rep, 3, np.random.default_rng(5))
        drawn = dense(rep, rep.draw(3, np.random.default_rng(5)))
        Literal(drawn, np.full(3, 1 / 3)).compare("subsample of many", rep, mu)


@given(strategies.cases(), st.floats(0.05, 20.0))
def test_equal_weights_on_all_elements_are_the_full_group(case, unit):
    """The moment, the optimal loss, and on their support the optimum of `augmented`."""
    rep = lv.groups.permutations(case.group.generators)
    elements = rep.elements()
    mu = lv.groups.weighted(rep, elements, np.full(len(elements), unit))
    m = lv.Moments.from_data(*case.rows)
    close("uniform: S'", mu.average_moment(m.xx), rep.average_moment(m.xx), norms=np.linalg.norm(m.xx), dims=case.dims)
    W = np.random.default_rng(case.seed).standard_normal((case.outputs, rep.dim))
    weighted = lv.augmented(m, rep, rank=case.rank, distribution=mu)
    full = lv.augmented(m, rep, rank=case.rank)
    scale = full.loss(W) + case.c
    bounded("uniform: loss", abs(weighted.loss(W) - full.loss(W)), norms=scale, dims=case.dims)
    if case.spectrum in strategies.WELL_CONDITIONED:
        losses = (lv.solve(p).loss for p in (weighted, full))
        bounded("uniform: optimal loss", abs(np.subtract(*losses)), norms=case.c, dims=case.dims, condition=1e4)


@given(strategies.cases())
def test_the_identity_alone_is_no_augmentation(case):
    rep = lv.groups.permutations(case.group.generators)
    m = lv.Moments.from_data(*case.rows)
    point = lv.groups.weighted(rep, rep.elements()[:1])
    expected = lv.solve(lv.unconstrained(m, rank=case.rank))
    for mu in (point, lv.groups.random_walk(rep, 0), lv.groups.random_walk(rep, 1, rate=0.0)):
        found = lv.solve(lv.augmented(m, rep, rank=case.rank, distribution=mu))
        assert found.rank == expected.rank
        bounded("point mass: loss", abs(found.loss - expected.loss), norms=case.c, dims=case.dims)


# ------------------------------------------------------------------------------------------------------------ walks


def convolved(matrices, p, steps):
    """The probabilities of a product of `steps` factors, on the same list of all elements."""
    table = [[np.abs(matrices - a @ b).max(axis=(1, 2)).argmin() for b in matrices] for a in matrices]
    q = np.zeros(len(matrices))
    q[0] = 1.0
    for _ in range(steps):
        new = np.zeros_like(q)
        for i, j in itertools.product(range(len(q)), repeat=2):
            new[table[i][j]] += p[i] * q[j]
        q = new
    return q


@EVERY
@pytest.mark.parametrize(("steps", "rate"), [(1, 0.3), (2, 1.0), (5, 0.5)])
def test_walks_by_enumerating_all_words(name, steps, rate):
    entry = FINITE[name]
    rep, matrices = entry.rep, dense(entry.rep, entry.rep.elements())
    place = lambda g: np.abs(matrices - g).max(axis=(1, 2)).argmin()  # noqa: E731
    p = np.zeros(len(matrices))
    p[0] = 1 - rate
    for g in rep.matrices():
        for one in (g, np.linalg.inv(g)):
            p[place(one)] += rate / (2 * len(rep.matrices()))
    q = convolved(matrices, p, steps)
    assert q.sum() == pytest.approx(1)
    literal, mu = Literal(matrices, q), lv.groups.random_walk(rep, steps, rate=rate)
    literal.compare("walk", rep, mu, entry.condition, nodes=steps)


@EVERY
def test_a_long_walk_is_the_full_group(name):
    entry = FINITE[name]
    mu = lv.groups.random_walk(entry.rep, 400)
    literal = Literal(entry.elements, np.full(len(entry.elements), 1 / len(entry.elements)))
    kept = {"dims": entry.dim, "condition": 400 * entry.condition}
    close("long walk: Π", mu.mean(), literal.mean, norms=np.sqrt(entry.dim), **kept)
    close("long walk: S̄", mu.average_moment(literal.m.xx), literal.moment, norms=np.trace(literal.moment), **kept)
    full = lv.solve(lv.augmented(literal.m, entry.rep, rank=2))
    found = lv.solve(lv.augmented(literal.m, entry.rep, rank=2, distribution=mu))
    bounded("long walk: loss", abs(found.loss - full.loss), norms=literal.m.yy, **kept)


def test_a_walk_on_a_group_without_end():
    """S_196 has 10^365 elements; a step costs the average over five."""
    rep = lv.groups.symmetric(196)
    mu = lv.groups.random_walk(rep, 3, rate=0.4)
    P = np.eye(196) * 0.6 + 0.1 * sum(g + g.T for g in rep.matrices())
    close("walk on S_196", mu.mean(), np.linalg.matrix_power(P, 3), norms=14.0, dims=196)


@EVERY
def test_convolution(name):
    """First one, then the other: the list of all products; the inverse runs backwards."""
    entry = FINITE[name]
    rep, rng = entry.rep, np.random.default_rng(11)
    first, second = rep.draw(2, rng), rep.draw(3, rng)
    a, b = np.array([0.3, 0.7]), np.array([0.2, 0.5, 0.3])
    mu, nu = lv.groups.weighted(rep, first, a), lv.groups.weighted(rep, second, b)
    pairs = [
        (v * u, h @ g)
        for v, h in zip(b, dense(rep, second), strict=True)
        for u, g in zip(a, dense(rep, first), strict=True)
    ]
    p, products = np.array([w for w, _ in pairs]), np.stack([g for _, g in pairs])
    Literal(products, p).compare("convolution", rep, mu.then(nu), entry.condition)
    Literal(np.linalg.inv(products), p).compare("inverse", rep, mu.then(nu).inverse(), entry.condition)
    W = rng.standard_normal((2, 3, rep.dim))
    expected = W @ mu.then(nu).mean()
    close("W E ρ", mu.then(nu).project(W), expected, norms=np.linalg.norm(W), dims=rep.dim, condition=entry.condition)


# ------------------------------------------------------------------------------------------------------------ turns


CYCLIC = {
    "shift": lambda: lv.groups.cyclic(7),
    "quarter turns": lambda: lv.groups.image_rotations(3),
    "signs": lambda: lv.groups.signed_permutations([[1, 2, 0]], [[1, 1, -1]]),
    "plane": lambda: lv.groups.matrices([zoo.turn(2 * np.pi / 9)]),
    "not orthogonal": lambda: lv.groups.change_of_basis(lv.groups.cyclic(4), zoo.skewed(4)),
}


@pytest.mark.parametrize("reach", [0, 1, 3, 50])
@pytest.mark.parametrize("name", CYCLIC)
def test_uniform_powers(name, reach):
    rep = CYCLIC[name]()
    g = rep.matrices()[0]
    powers = np.stack([np.linalg.matrix_power(g, k) for k in range(-reach, reach + 1)])
    mu = lv.groups.uniform_turns(rep, reach)
    Literal(powers, np.full(len(powers), 1 / len(powers))).compare("powers", rep, mu, rep.rounding_growth(), 1 + reach)


@pytest.mark.parametrize("deviation", [0.0, 0.4, 2.0, 1e6])
@pytest.mark.parametrize("name", CYCLIC)
def test_diffusion_over_powers_by_its_generator(name, deviation):
    """E ρ = exp(σ²(½(ρ + ρ⁻¹) - 1)), and E ρSρᵀ the same with ρ ⊗ ρ: the semigroup of the walk in continuous time."""
    rep = CYCLIC[name]()
    g, dim = rep.matrices()[0], rep.dim
    time = min(deviation, 40.0) ** 2  # by then all is mixed, to rounding
    walk = lambda a: scipy.linalg.expm(time * ((a + np.linalg.inv(a)) / 2 - np.eye(len(a))))  # noqa: E731
    mu = lv.groups.heat_kernel(rep, deviation)
    kept = {"dims": dim * dim, "condition": (1 + time) * rep.rounding_growth()}
    close("heat on powers: mean", mu.mean(), walk(g), norms=np.sqrt(dim), **kept)
    S = np.random.default_rng(0).standard_normal((dim, dim))
    expected = (walk(np.kron(g, g)) @ S.ravel()).reshape(dim, dim)
    close("heat on powers: moment", mu.average_moment(S), expected, norms=np.linalg.norm(S), **kept)


J = np.array([[0.0, -1.0], [1.0, 0.0]])
RATES = scipy.linalg.block_diag(J, 2 * J, np.sqrt(7) * J, 0.0)
TURNS = {
    "plane": (lv.groups.rotations(2), 0),
    "space": (lv.groups.rotations(3), 1),
    "rates": (lv.groups.lie([RATES]), 0),
    "discrete besides": (lv.groups.lie([J], [np.diag([1.0, -1.0])]), 0),
    "another basis": (lv.groups.change_of_basis(lv.groups.lie([RATES]), zoo.skewed(7, 5.0)), 0),
    "found basis": (lv.groups.lie([np.linalg.solve(zoo.skewed(7, 5.0), RATES @ zoo.skewed(7, 5.0))]), 0),
}


@pytest.mark.parametrize("scale", [0.0, 1e-3, 0.3, 2.0, 20.0])
@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("name", TURNS)
def test_angles_by_a_literal_sum(name, kind, scale):
    """exp(tA) by expm at the nodes of a rule of another kind: composite Gauss, and midpoints on ten deviations."""
    rep, along = TURNS[name]
    A = rep.algebra[along]
    if kind == "uniform":
        mu = lv.groups.uniform_turns(rep, scale, along=along)
        at, w = np.polynomial.legendre.leggauss(12)
        edges = np.linspace(-scale, scale, 31)
        half = np.diff(edges)[:, None] / 2
        t, p = (edges[:-1, None] + half * (1 + at)).ravel(), np.tile(w / 60, 30)
    else:
        mu = lv.groups.heat_kernel(rep, scale, along=along)
        x = (np.arange(-900, 900) + 0.5) / 90
        t, p = scale * x, np.exp(-(x**2) / 2) / 90 / np.sqrt(2 * np.pi)
    literal = Literal(scipy.linalg.expm(t[:, None, None] * A), p, n=4)
    literal.compare(f"{kind} angle", rep, mu, rep.rounding_growth(), nodes=10 * (1 + scale))


def test_characteristic_functions():
    rep = lv.groups.lie([3 * J])
    uniform, normal = lv.groups.uniform_turns(rep, 0.5), lv.groups.heat_kernel(rep, 0.5)
    close("sinc", uniform.mean(), np.sin(1.5) / 1.5 * np.eye(2), norms=1.0, dims=2)
    close("heat", normal.mean(), np.exp(-9 / 8) * np.eye(2), norms=1.0, dims=2)
    S = np.diag([1.0, 0.0])
    turned = np.diag([1.0, -1.0]) / 2
    close("sinc, moment", uniform.average_moment(S), np.eye(2) / 2 + np.sin(3) / 3 * turned, norms=1.0, dims=2)
    close("heat, moment", normal.average_moment(S), np.eye(2) / 2 + np.exp(-36 / 8) * turned, norms=1.0, dims=2)


def test_wide_angles_are_the_full_group_and_too_wide_ones_are_refused():
    rep = TURNS["rates"][0]
    m = Literal(np.eye(7)[None], [1.0]).m
    wide = lv.groups.heat_kernel(rep, 40.0)
    close("wide angle", wide.average_moment(m.xx), rep.average_moment(m.xx), norms=np.trace(m.xx), dims=7)
    found, full = (lv.solve(lv.augmented(m, rep, rank=2, distribution=d)).loss for d in (wide, None))
    bounded("wide angle: loss", abs(found - full), norms=m.yy, dims=7, condition=400)
    beyond = lv.groups.heat_kernel(rep, 1e4)
    close("wider angle", beyond.average_moment(m.xx), rep.average_moment(m.xx), norms=np.trace(m.xx), dims=7)
    for make in (lv.groups.uniform_turns, lv.groups.heat_kernel):
        widest = make(rep, 1.7e308).average_moment(m.xx)
        close("widest angle", widest, rep.average_moment(m.xx), norms=np.trace(m.xx), dims=7)
    with pytest.raises(ValueError, match="4,096 nodes"):
        lv.augmented(m, rep, rank=2, distribution=beyond)


# ------------------------------------------------------------------------------------------------- the problem posed


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_data_of_any_scale(scale):
    rep = lv.groups.cyclic(5)
    mu = lv.groups.random_walk(rep, 2)
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((9, 5)), rng.standard_normal((9, 2))
    plain, scaled = (
        lv.solve(lv.augmented(lv.Moments.from_data(a * X, Y), rep, rank=1, distribution=mu)) for a in (1.0, scale)
    )
    bounded("scaled data: loss", abs(plain.loss - scaled.loss), norms=plain.loss, dims=9)
    close("scaled data: optimum", scaled.weights * scale, plain.weights, norms=np.linalg.norm(plain.weights), dims=900)


@EVERY
def test_a_ridge_and_a_metric_go_with_it(name):
    """√ridge·I beside the literal copies, targets times a root of the metric."""
    entry = FINITE[name]
    rep, rng = entry.rep, np.random.default_rng(8)
    elements = rep.draw(3, rng)
    p, ridge = np.array([0.2, 0.3, 0.5]), 0.4
    literal = Literal(dense(rep, elements), p)
    K = np.linalg.cholesky(np.cov(rng.standard_normal((3, 9)))).T
    A = np.hstack([literal.inputs / np.sqrt(literal.n), np.sqrt(ridge) * np.eye(rep.dim)])
    T = np.hstack([K @ literal.targets / np.sqrt(literal.n), np.zeros((3, rep.dim))])
    mu = lv.groups.weighted(rep, elements, p)
    for rank in (1, 3):
        best, least, _ = oracles.reduced_rank(A, T, rank, n=1)
        problem = lv.augmented(literal.m, rep, rank=rank, distribution=mu, ridge=ridge, metric=K.T @ K)
        found = lv.solve(problem)
        kept = {"dims": A.shape, "condition": entry.condition * np.linalg.cond(A) ** 2 * np.linalg.cond(K) ** 2}
        bounded("ridge and metric: loss", abs(found.loss - least), norms=literal.m.yy, **kept)
        close("ridge and metric: optimum", K @ found.weights, best, norms=1e3 * np.linalg.norm(best), **kept)


def test_small_singular_values_survive():
    """Whitened from rows: at cond(A) = 1e8 the optimum under μ is that of a direct QR on the literal copies."""
    rng, rep = np.random.default_rng(2), lv.groups.cyclic(6)
    sums = np.full((6, 6), 1 / 6)
    X = (sums + 1e-8 * (np.eye(6) - sums)) @ rng.standard_normal((6, 40))
    Y = rng.standard_normal((2, 6)) @ X
    mu = lv.groups.weighted(rep, rep.elements(), rng.dirichlet(np.ones(6)))
    problem = lv.augmented(lv.Moments.from_data(X.T, Y.T), rep, rank=2, distribution=mu)
    assert problem.quadratic.whitened.rank == 6
    assert problem.quadratic.whitened.condition > 1e7
    p, elements = mu.factors[0].weights, dense(rep, mu.factors[0].elements)
    A = np.hstack([np.sqrt(w) * g @ X for w, g in zip(p, elements, strict=True)])
    T = np.hstack([np.sqrt(w) * Y for w in p])
    W = oracles.qr_solution(A, T)
    np.testing.assert_allclose(lv.solve(problem).weights, W, atol=1e3 * EPS * 1e8 * np.linalg.norm(W))


def test_everything_that_takes_a_problem_takes_this_one():
    rep = lv.groups.image_rotations(2)
    rng = np.random.default_rng(0)
    m = lv.Moments.from_data(rng.standard_normal((20, 4)), rng.standard_normal((20, 2)))
    mu = lv.groups.random_walk(rep, 2, rate=0.3)
    p = lv.augmented(m, rep, rank=1, distribution=mu)
    assert p.distribution is mu
    assert p.method == "weighted"
    best = lv.solve(p)
    assert lv.critical_points(p)[0].loss == pytest.approx(best.loss)
    network = lv.network_at(lv.critical_points(p)[0], (4, 1, 2))
    assert lv.classify(p, network).kind == "global minimum"
    trace = lv.train(p, epochs=3000, optimizer=lv.GradientDescent(lr=0.05))
    assert trace.loss[-1] == pytest.approx(best.loss, rel=1e-6)
    assert trace.norm_perp[-1] > 1e-3  # it stays off the invariants, and no part of it is called frozen
    assert np.isnan(trace.norm_frozen).all()
    with pytest.raises(ValueError, match="weighted"):
        lv.dynamics.stable_step(p, network)


@EVERY
def test_copies_and_pickles(name):
    rep = FINITE[name].rep
    walk = lv.groups.random_walk(rep, 2)
    again = pickle.loads(pickle.dumps(copy.deepcopy(walk)))
    np.testing.assert_array_equal(again.mean(), walk.mean())
    assert repr(again) == repr(walk)


def test_reprs():
    rep = lv.groups.image_rotations(14)
    assert repr(lv.groups.random_walk(rep, 3)) == "<3 x 3 elements on image_rotations(14)>"
    assert repr(lv.groups.random_walk(rep, 0)) == "<the identity on image_rotations(14)>"
    so2 = lv.groups.rotations(2)
    both = lv.groups.heat_kernel(so2, 0.5).then(lv.groups.uniform_turns(so2, 0.1))
    assert repr(both) == "<a normal angle of deviation 0.5 and an angle up to 0.1 on rotations(2)>"
