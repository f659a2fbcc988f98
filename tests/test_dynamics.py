"""Flow, conserved matrices, visited saddles and half times: against enumeration, closed forms and integration."""

import itertools

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import methods
import strategies
import zoo
from linvariance import dynamics
from tolerances import EPS, bounded, close

INTEGRATOR = 1e-6  # rtol = 1e-8 a step, some hundred steps, errors that grow while a saddle is left
ORTHOGONAL = sorted(name for name, entry in zoo.ZOO.items() if entry.T is None)


def moments_with(S, C):
    """Data (d0 samples) with XXᵀ/n = S and YXᵀ/n = C."""
    R = np.linalg.cholesky(S).T * np.sqrt(len(S))
    return lv.Moments.from_data(R, len(S) * np.linalg.solve(R.T, C.T))


def frames(rng, *shapes):
    return [np.linalg.qr(rng.standard_normal(shape))[0] for shape in shapes]


def network_of(weights):
    return lv.Network([0.5 * W for W in weights])


def augmented(rep, rng, rank=3, outputs=2):
    X = rng.standard_normal((rep.dim + 2, rep.dim))
    m = lv.Moments.from_data(X, rng.standard_normal((len(X), outputs)))
    return lv.augmented(m, rep, rank=rank)


@st.composite
def augmented_networks(draw):
    """An augmented problem of an orthogonal group, a network of depth 2-4 for it."""
    name = draw(st.sampled_from(("drawn", *ORTHOGONAL)))
    rep = methods.representation(draw(strategies.groups(6))) if name == "drawn" else zoo.ZOO[name].rep
    rng = np.random.default_rng(draw(strategies.seeds))
    inner = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 3)))]
    widths = [rep.dim, *inner, 2]
    weights = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in itertools.pairwise(widths)]
    return augmented(rep, rng, min(widths)), lv.Network(weights)


# ------------------------------------------------------------------------------------------------------------- flow


def test_gradient_descent_approaches_the_flow_at_order_one():
    rng = np.random.default_rng(0)
    p = lv.unconstrained(lv.Moments.from_data(rng.standard_normal((9, 4)), rng.standard_normal((9, 3))), rank=2)
    network = network_of([rng.standard_normal(shape) for shape in ((3, 4), (2, 3), (3, 2))])
    end = dynamics.gradient_flow(p, network, [1.0]).networks[-1]
    steps, errors = (0.02, 0.01, 0.005, 0.0025), []
    for lr in steps:
        run = lv.train(
            p,
            network.widths,
            optimizer=lv.GradientDescent(lr),
            epochs=round(1 / lr),
            init=lv.init.given(network),
        )
        errors.append(np.linalg.norm(run.network.flat - end.flat))
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)  # the next order bends the line: O(lr) = 2 %


@settings(max_examples=30)
@given(
    strategies.cases(strategies.WELL_CONDITIONED), strategies.seeds, st.integers(1, 3), st.sampled_from(methods.METHODS)
)
def test_flow_lowers_the_loss_and_keeps_what_it_conserves(case, seed, depth, method):
    """The matrices W_{j+1}ᵀW_{j+1} - W_j W_jᵀ drift by the integrator's tolerance only; d loss/dt = -‖∇f‖²."""
    p, rng = methods.problem(case, method), np.random.default_rng(seed)
    widths = [p.dim, *[min(p.rank, 3)] * (depth - 1), p.outputs]
    network = network_of([rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)])
    scale = 1 + case.c + float(np.trace(p.quadratic.moment))
    flow = dynamics.gradient_flow(p, network, np.linspace(0, 1 / scale, 5))
    assert (np.diff(flow.loss) <= INTEGRATOR * scale).all()
    assert flow.networks[0].flat.tolist() == network.flat.tolist()
    size = np.square(network.flat).sum() + np.square(flow.networks[-1].flat).sum()
    for one in flow.networks:
        for j in range(depth - 1):
            before, after = (
                n.weights[j + 1].T @ n.weights[j + 1] - n.weights[j] @ n.weights[j].T for n in (network, one)
            )
            assert np.abs(before - after).max() <= INTEGRATOR * size
    drift = np.abs(dynamics.balancedness(flow.networks[-1]) - dynamics.balancedness(network))
    assert drift.shape == (depth - 1,)
    assert (drift <= 3 * INTEGRATOR * size).all()


@given(strategies.seeds, st.sampled_from(("squared", "cross_entropy")), st.sampled_from(("augmented", "convolutional")))
def test_what_the_flow_conserves_with_biases(seed, loss, method):
    """W_{j+1}ᵀW_{j+1} - [W_j, b_j][W_j, b_j]ᵀ of a linear network: its derivative along -∇f is 0."""
    rng = np.random.default_rng(seed)
    X, targets = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    data = lv.Samples(X, targets) if loss == "squared" else lv.Samples(X, np.arange(9) % 3, loss)
    p, widths = getattr(lv, method)(data, lv.groups.cyclic(4), rank=2), (4, 3, 2, 3)
    layers = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
    network = lv.Network(layers, biases=[rng.standard_normal(width) for width in widths[1:]])
    slope = lv.value_and_gradient(p, network)[1]
    entering, moving = (
        [np.column_stack(one) for one in zip(of[:3], of[3:], strict=True)] for of in (network.parameters, slope)
    )
    size = np.square(network.flat).sum() * max(np.abs(G).max() for G in slope)
    for j in range(2):
        half = layers[j + 1].T @ slope[j + 1] - moving[j] @ entering[j].T
        bounded("conserved with biases", np.abs(half + half.T).max(), norms=size, dims=widths)
        kept = layers[j + 1].T @ layers[j + 1] - entering[j] @ entering[j].T
        assert dynamics.balancedness(network)[j] == pytest.approx(np.linalg.norm(kept), rel=1e-13)


def test_flow_at_zero_and_what_stops_it(monkeypatch):
    p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[2.0]]), rank=1)
    network = lv.Network([[[1.0]], [[1.0]]])
    flow = dynamics.gradient_flow(p, network, [0.0, 50.0])
    assert (flow.loss[0], repr(flow)[:34]) == (1.0, "Flow(2 states up to time 50, final")
    monkeypatch.setattr("linvariance.arrays.MEMORY_LIMIT", 100)
    with pytest.raises(ValueError, match=r"times.*10 networks of 2"):
        dynamics.gradient_flow(p, network, np.arange(10.0))
    monkeypatch.undo()
    monkeypatch.setattr(dynamics.flow, "EVALUATIONS", 100)
    with pytest.raises(ValueError, match=r"times reach to 1e\+09.*too stiff or too long"):
        dynamics.gradient_flow(p, network, [1e9])
    with pytest.raises(ValueError, match="network has a gradient"):
        dynamics.gradient_flow(p, lv.Network([[[1e150]], [[1e150]]]), [1.0])


# ------------------------------------------------------------------------------------------------ what is conserved


@settings(max_examples=40)
@given(augmented_networks())
def test_first_layer_perp_never_grows_under_the_flow(drawn):
    p, network = drawn
    rate = 2 * np.linalg.norm(p.quadratic.moment, 2)
    flow = dynamics.gradient_flow(p, network, np.linspace(0, 3 / rate, 7))
    norms = np.array([dynamics.first_layer_perp(one, p.representation) for one in flow.networks])
    assert (np.diff(norms) <= INTEGRATOR * np.linalg.norm(network.flat)).all()


@settings(max_examples=40)
@given(augmented_networks())
def test_first_layer_perp_does_not_grow_in_stable_steps(drawn):
    """Ten steps, each at the largest learning rate allowed."""
    p, network = drawn
    for _ in range(10):
        lr = dynamics.stable_step(p, network)
        run = lv.train(
            p, network.widths, optimizer=lv.GradientDescent(min(lr, 1e3)), epochs=1, init=lv.init.given(network)
        )
        before = dynamics.first_layer_perp(network, p.representation)
        after = dynamics.first_layer_perp(run.network, p.representation)
        # C Π(I - Π) is rounding, and so is what W_1 Π brings in: both in units of the step.
        norms = np.linalg.norm(network.weights[0]) + np.linalg.norm(run.network.weights[0])
        bounded("steps of W_1(I - Π)", after - before, norms=norms, dims=p.dim)
        network = run.network
        if not np.isfinite(network.flat).all() or np.abs(network.flat).max() > 1e3:
            break  # only B is stable at this step


@settings(max_examples=40)
@given(augmented_networks())
def test_the_equation_of_the_first_layer(drawn):
    """dB/dt = -2 (W_L..W_2)ᵀ(W_L..W_2) B S̄, against the gradient of all layers."""
    p, network = drawn
    rep, S = p.representation, p.quadratic.moment
    above = np.linalg.multi_dot([np.eye(p.outputs), *reversed(network.weights[1:])])
    B = lv.invariance.split(network.weights[0], rep).perp
    slope = lv.invariance.split(above.T @ -p.gradient(network.matrix), rep).perp
    size = np.linalg.norm(above) * (
        np.linalg.norm(network.matrix) * np.linalg.norm(S) + np.linalg.norm(p.quadratic.cross)
    )
    close("dB/dt", slope, -2 * above.T @ above @ B @ S, norms=size, dims=p.dim)


def test_the_stable_step_is_sharp():
    """At 1.01 times the bound the least stable direction grows."""
    m = lv.Moments.from_data(np.array([[2.0, 0.0]]), [1.0])
    p = lv.augmented(m, lv.groups.symmetric(2), rank=1)
    network = lv.Network([[[1.0, -1.0]], [[0.5]]])
    for factor, grows in ((1.0, False), (1.01, True)):
        lr = factor * dynamics.stable_step(p, network)
        run = lv.train(p, optimizer=lv.GradientDescent(lr), epochs=1, init=lv.init.given(network))
        before, after = (dynamics.first_layer_perp(n, p.representation) for n in (network, run.network))
        assert (after > before * (1 + 4 * EPS)) == grows
    assert dynamics.stable_step(p, lv.Network([[[1.0, -1.0]], [[0.0]]])) == np.inf
    assert dynamics.stable_step(p, lv.Network([[[1.0, -1.0]]])) == pytest.approx(0.5, rel=4 * EPS)


# ---------------------------------------------------------------------------------------------- what a run passes by


@settings(max_examples=60)
@given(
    strategies.cases(strategies.WELL_CONDITIONED, targets=("noise", "linear", "exact"), max_dim=6),
    st.sampled_from(methods.METHODS),
    strategies.seeds,
    st.sampled_from((1e-3, 0.3, 1.0)),
)
def test_the_nearest_critical_point_is_that_of_enumeration(case, method, seed, noise):
    p, rng = methods.problem(case, method), np.random.default_rng(seed)
    points = [*lv.critical_points(p), *lv.lower_rank_points(p)]
    if len(points) == 1:  # Z = 0
        return
    S = p.quadratic.moment
    modes = np.array([q.restricted for q in points if len(q.subset) == 1])
    states = [points[k].restricted for k in rng.integers(len(points), size=3)]
    states += [np.tensordot(rng.uniform(0, 2, len(modes)), modes, 1) for _ in range(3)]  # more to gain than r allows
    states = [V + noise * rng.standard_normal(V.shape) for V in states]
    flow = dynamics.Flow(np.arange(6.0), np.zeros(6), tuple(lv.Network([V]) for V in states))
    found = dynamics.visits(p, flow)
    unit = np.linalg.norm(p.target)
    for V, subset, distance in zip(states, found.subsets, found.distance, strict=True):
        squares = {q.subset: np.vdot((V - q.restricted) @ S, V - q.restricted) / unit**2 for q in points}
        # The oracle's sums carry eps·‖S'‖‖V‖² each; their condition is that of the critical points' weights.
        slack = 1e4 * EPS * (1 + np.linalg.norm(S) * np.square(V).sum() / unit**2)
        assert distance**2 == pytest.approx(min(squares.values()), abs=slack, rel=1e-9)
        assert squares[subset] == pytest.approx(min(squares.values()), abs=slack, rel=1e-9)


@pytest.mark.parametrize("name", [name for name, entry in zoo.ZOO.items() if entry.T is not None])
def test_the_optimum_is_the_nearest_point_of_itself_for_groups_that_are_not_orthogonal(name):
    """There the whitened coordinates see W Π only; the metric sees what augmented data see."""
    p = augmented(zoo.ZOO[name].rep, np.random.default_rng(4))
    W = lv.solve(p).weights
    if not np.abs(W).max():
        return
    off = np.random.default_rng(5).standard_normal(W.shape)
    flow = dynamics.Flow(np.arange(2.0), np.zeros(2), (lv.Network([W]), lv.Network([W + 1e-3 * off])))
    found = dynamics.visits(p, flow)
    assert found.subsets == (tuple(range(lv.solve(p).rank)),) * 2
    unit = np.linalg.norm(p.target)
    assert found.distance[0] < 1e3 * EPS * zoo.ZOO[name].condition
    expected = 1e-3 * np.sqrt(np.vdot(off @ p.quadratic.moment, off)) / unit
    assert found.distance[1] == pytest.approx(expected, rel=1e-8)


SIGMA = (4.0, 2.0, 1.0)
REP = lv.groups.permutations([[1, 0, 3, 2, 5, 4]])


def separated(method):
    """σ = 4, 2, 1 on invariant directions, S = I, and a weak target elsewhere."""
    U, V, E = frames(np.random.default_rng(1), (3, 3), (3, 3), (6, 1))
    B = REP.invariant_basis()
    rest = 0.1 * np.outer(U[:, 0], E - REP.project(E.T).T)
    m = moments_with(np.eye(6), (U * SIGMA) @ V.T @ B + rest)
    if method == "unconstrained":
        return lv.unconstrained(m, rank=3)
    strength = {"strength": 0.5} if method == "regularized" else {}
    return getattr(lv, method)(m, REP, rank=3, **strength)


@pytest.mark.parametrize("method", methods.METHODS)
@pytest.mark.parametrize(
    ("widths", "init"),
    [
        ((3, 3), lv.init.gaussian(1e-3)),
        ((3, 3), lv.init.balanced(1e-2)),
        ((3, 3, 3), lv.init.gaussian(0.01)),
        ((3, 3, 3), lv.init.balanced(0.02)),
    ],
    ids=["2 gaussian", "2 balanced", "3 gaussian", "3 balanced"],
)
def test_small_initializations_visit_the_saddles_in_order(method, widths, init):
    p = separated(method)
    t = lv.train(
        p,
        (p.dim, *widths),
        optimizer=lv.GradientDescent(0.02),
        epochs=15_000,
        init=init,
        record=lv.Record(every=5, weights=True),
    )
    found = dynamics.visits(p, t)
    assert [stay.subset for stay in found.stays] == [(), (0,), (0, 1), (0, 1, 2)]
    assert all(a.left < b.entered for a, b in itertools.pairwise(found.stays))
    assert (found.stays[0].entered, found.stays[-1].left) == (0, 15_000)
    assert found.distance.shape == t.epochs.shape == (len(found.subsets),)
    assert max(stay.closest for stay in found.stays[::3]) < 1e-2
    # At the point, the loss is its loss: within ‖W̃ - W̃*‖·(‖W̃ - W̃*‖ + 2‖Z - W̃*‖).
    losses = {q.subset: q.loss for q in [*lv.critical_points(p), *lv.lower_rank_points(p)]}
    unit = np.linalg.norm(p.target)
    expected = np.array([losses[subset] for subset in found.subsets])
    away = unit * found.distance
    seen = np.abs(t.loss - expected) <= away * (away + 2 * unit) + 1e-9
    assert seen.all()


def test_runs_that_cannot_be_read():
    p = separated("augmented")
    two = lv.train(p, epochs=3, seeds=(0, 1), record=lv.Record(weights=True))
    with pytest.raises(ValueError, match=r"1 x 2 runs: pass one, trace.at\(i, k\)"):
        dynamics.visits(p, two)
    assert dynamics.visits(p, two.at(0, 1)).distance.shape == (2,)
    with pytest.raises(ValueError, match=r"without weights: train with record=Record\(weights=True\)"):
        dynamics.visits(p, lv.train(p, epochs=3))
    with pytest.raises(ValueError, match=r"trace holds maps of shape \(3, 6\)"):
        dynamics.visits(lv.unconstrained(lv.Moments.from_data([[1.0]], [[1.0]]), rank=1), two.at(0, 0))
    with pytest.warns(RuntimeWarning, match="diverged"):
        lost = lv.train(p, optimizer=lv.GradientDescent(1e3), epochs=50, record=lv.Record(weights=True))
    with pytest.raises(ValueError, match="trace diverged"):
        dynamics.visits(p, lost)
    zero = lv.unconstrained(lv.Moments.from_data(np.eye(2), np.zeros((2, 1))), rank=1)
    with pytest.raises(ValueError, match="Z = 0"):
        dynamics.visits(zero, lv.train(zero, epochs=1, record=lv.Record(weights=True)))


def test_a_table_of_visits():
    stays = (dynamics.Stay((), 0, 30, 1e-6), dynamics.Stay((0,), 50, 70, 0.01))
    found = dynamics.Visits(np.array([0, 70]), np.zeros(2), np.ones(2), ((), (0,)), stays)
    assert repr(found) == "Visits(() -> (0,); 2 states up to 70)"
    assert [line.split() for line in str(found).splitlines()[1:]] == [
        ["()", "0", "30", "1.0e-06"],
        ["(0,)", "50", "70", "1.0e-02"],
    ]


# ------------------------------------------------------------------------------------------------ how long it takes


def aligned(problem, scales):
    """W_L ... W_1 = Σ scale^L u vᵀ over the modes of C', every layer scale on each mode."""
    U, _, Vt = np.linalg.svd(problem.quadratic.cross)
    k, depth, hidden = len(scales.correlations), scales.depth, min(problem.rank, problem.dim, problem.outputs)
    left = [np.eye(hidden, k)] * (depth - 1) + [U[:, :k]]
    right = [Vt[:k]] + [np.eye(k, hidden)] * (depth - 1)
    return lv.Network([scales.scale * a @ b for a, b in zip(left, right, strict=True)])


def two_blocks(method, invariant, other, a, b, strength=0.25):
    """S = a on the invariants and b elsewhere; C has one mode in each block, of the given correlations."""
    rep = lv.groups.permutations([[1, 0, 3, 2]])
    rng = np.random.default_rng(2)
    U, B = frames(rng, (3, 2))[0], rep.invariant_basis()
    Q = rep.complement_basis
    C = invariant * np.outer(U[:, 0], B[0]) + other * np.outer(U[:, 1], Q[0])
    m = moments_with(a * B.T @ B + b * Q.T @ Q, C)
    if method == "unconstrained":
        return lv.unconstrained(m, rank=2)
    options = {"strength": strength} if method == "regularized" else {}
    return getattr(lv, method)(m, rep, rank=2, **options)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("method", methods.METHODS)
@pytest.mark.parametrize(("invariant", "other"), [(3.0, 1.0), (1.0, 2.0)])
def test_half_times_of_the_two_blocks(depth, method, invariant, other):
    """Each mode is at half its limit at its predicted time, whatever a and b; the larger correlation comes first."""
    a, b = 2.0, 0.5
    p = two_blocks(method, invariant, other, a, b)
    scales = dynamics.time_scales(p, 0.1, depth=depth)
    penalized = b + 0.25 * 4 * (method == "regularized")  # (I - ρ)(I - ρ)ᵀ = 4 on the other block of a swap
    elsewhere = float(method == "unconstrained")  # whose group is trivial: all is invariant
    expected = [(invariant, a, 1.0), (other, penalized, elsewhere)][: 1 if method in ("augmented", "hard_wired") else 2]
    expected.sort(reverse=True)
    np.testing.assert_allclose(np.c_[scales.correlations, scales.curvatures, scales.invariant], expected, atol=1e-13)
    assert scales.misfit < 1e-14
    order = np.argsort(scales.half_times)
    if depth > 1:
        assert order.tolist() == sorted(order)
    flow = dynamics.gradient_flow(p, aligned(p, scales), scales.half_times[order], rtol=1e-10, atol=1e-13)
    U, _, Vt = np.linalg.svd(p.quadratic.cross)
    for i, network in zip(order, flow.networks, strict=True):
        strength = U[:, i] @ network.matrix @ Vt[i]
        assert strength == pytest.approx(scales.limits[i] / 2, rel=INTEGRATOR)
    times = np.linspace(0, 1.5 * scales.half_times.max(), 2001)
    grid = dynamics.gradient_flow(p, aligned(p, scales), times)
    # Linear between states: u'' h²/8 over u', with u''/u' below 4s a unit of time at the half.
    np.testing.assert_allclose(scales.measured(grid), scales.half_times, rtol=1e-3)


def test_saxes_formula_and_quadrature():
    p = two_blocks("unconstrained", 3.0, 1.0, 2.0, 0.5)
    s, a = np.array([3.0, 1.0]), np.array([2.0, 0.5])
    for scale in (1e-150, 1e-3, 0.3):
        found = dynamics.time_scales(p, scale)
        np.testing.assert_allclose(
            found.half_times, (np.log(s / a) - 2 * np.log(scale) + np.log1p(-a * scale**2 / s)) / (4 * s), rtol=1e-14
        )
    for depth, k in itertools.product((1, 3, 5), range(2)):
        top = (s[k] / (2 * a[k])) ** (1 / depth)

        def slowness(w, s=s[k], a=a[k], depth=depth):
            return 0.5 * w ** (1 - depth) / (s - a * w**depth)

        value, _ = scipy.integrate.quad(slowness, 0.2, top, epsabs=0, epsrel=1e-12)
        assert dynamics.time_scales(p, 0.2, depth=depth).half_times[k] == pytest.approx(value, rel=1e-11)
    assert dynamics.time_scales(p, 2.0).half_times.tolist() == [0.0, 0.0]
    assert dynamics.time_scales(p, 1e-300, depth=4).half_times.tolist() == [np.inf, np.inf]


@settings(max_examples=60)
@given(strategies.cases(strategies.WELL_CONDITIONED), st.sampled_from(methods.METHODS), st.integers(1, 5))
def test_time_scales_of_any_problem(case, method, depth):
    """Modes by correlation, at most the rank bound; from the same start, longer with a weaker correlation."""
    p = methods.problem(case, method)
    found = dynamics.time_scales(p, 1e-3, depth=depth)
    s = np.linalg.svd(p.quadratic.cross, compute_uv=False)
    k = len(found.correlations)
    assert k <= p.rank
    assert found.correlations == pytest.approx(s[:k])
    assert (found.half_times >= 0).all()
    assert ((found.invariant >= -8 * EPS) & (found.invariant <= 1 + 8 * EPS)).all()
    assert len(str(found).splitlines()) == k + 2
    if method in ("augmented", "hard_wired"):
        assert found.invariant == pytest.approx(np.ones(k), abs=1e-7)  # the rounding of C Π over its weakest mode


def test_a_penalty_lowers_the_other_block_and_hardly_moves_its_time():
    free, held = (two_blocks("regularized", 1.0, 2.0, 1.0, 1.0, strength=t) for t in (0.0, 2.0))
    before, after = (dynamics.time_scales(p, 1e-3) for p in (free, held))
    assert after.limits.tolist() == pytest.approx([2 / 9, 1.0])
    assert after.half_times[1] == before.half_times[1]
    assert after.half_times[0] < before.half_times[0] < 1.2 * after.half_times[0]


def test_half_times_outside_the_assumptions():
    """What the docstring says of random frames and Gaussian weights, for S' = I and of condition 10."""
    limits = {2: (0.4, 2.5), 3: (0.2, 9.0)}
    for depth, scale in ((2, 1e-2), (2, 1e-3), (3, 0.1)):
        for init, condition, seed in itertools.product((lv.init.balanced, lv.init.gaussian), (1.0, 10.0), range(3)):
            rng = np.random.default_rng(seed)
            U, V, Q = frames(rng, (3, 3), (5, 3), (5, 5))
            S = (Q * np.geomspace(condition**-0.5, condition**0.5, 5)) @ Q.T
            p = lv.unconstrained(moments_with(S, (U * [3, 2, 1]) @ V.T), rank=3)
            scales = dynamics.time_scales(p, scale, depth=depth)
            network = lv.Network(init(scale)((5, *[3] * (depth - 1), 3), rng))
            flow = dynamics.gradient_flow(p, network, np.linspace(0, 12 * scales.half_times.max(), 1201), rtol=1e-6)
            ratio = scales.measured(flow) / scales.half_times
            assert ((ratio > limits[depth][0]) & (ratio < limits[depth][1])).all(), ratio


def test_half_times_of_a_recorded_run():
    p = two_blocks("augmented", 3.0, 1.0, 2.0, 0.5)
    scales = dynamics.time_scales(p, 0.01)
    lr = 1e-3
    t = lv.train(
        p,
        optimizer=lv.GradientDescent(lr),
        epochs=2000,
        init=lv.init.given(aligned(p, scales)),
        record=lv.Record(weights=True),
    )
    assert lr * scales.measured(t) == pytest.approx(scales.half_times, rel=0.02)  # O(lr·s) from the flow
    short = lv.train(p, epochs=1, record=lv.Record(weights=True), init=lv.init.gaussian(1e-3))
    assert np.isnan(scales.measured(short)).all()


def test_no_modes():
    p = lv.unconstrained(lv.Moments.from_data(np.eye(2), np.zeros((2, 1))), rank=1)
    found = dynamics.time_scales(p, 0.1)
    assert (found.half_times.shape, found.misfit) == ((0,), 0.0)
    assert dynamics.balancedness(lv.Network([np.eye(2)])).shape == (0,)
