"""Fewer rows than columns: what goes through the rows is what d0² memory gives, at a size where both are possible."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import linvariance as lv
from linvariance.objectives import quadratics
from linvariance.objectives.spectra import Rows
from tolerances import EPS, bounded, close

ROWS, COLUMNS, OUTPUTS = 30, 400, 5
HALF = COLUMNS // 2
SWAP = np.r_[HALF:COLUMNS, :HALF]
GROUPS = {
    "trivial": lambda: lv.groups.trivial(COLUMNS),
    "swap": lambda: lv.groups.permutations([SWAP]),
    "signed swap": lambda: lv.groups.signed_permutations([SWAP], [np.repeat([1, -1], [COLUMNS - 6, 6])]),
    "rotations": lambda: lv.groups.image_rotations(20),
    "translations": lambda: lv.groups.image_translations(20, 20),
    "symmetric": lambda: lv.groups.symmetric(COLUMNS),
}
METHODS = {
    "unconstrained": lambda m, _, **terms: lv.unconstrained(m, rank=2, **terms),
    "hard_wired": lambda m, rep, **terms: lv.hard_wired(m, rep, rank=2, **terms),
    "augmented": lambda m, rep, **terms: lv.augmented(m, rep, rank=2, **terms),
    "regularized": lambda m, rep, **terms: lv.regularized(m, rep, rank=2, strength=0.1, **terms),
}


def data(rng, rep, invariants=4):
    """Rows that see few of the invariants, so that no method fits them exactly."""
    X = rng.standard_normal((ROWS, COLUMNS))
    fixed = rep.project(X)
    X += fixed[:, :invariants] @ rng.standard_normal((invariants, ROWS)) @ fixed / COLUMNS - fixed
    return lv.Moments.from_data(X, rng.standard_normal((ROWS, OUTPUTS)))


@pytest.fixture
def dense(monkeypatch):
    """A function that calls another one with everything formed."""

    def call(function):
        with monkeypatch.context() as patch:
            patch.setattr(Rows, "is_wide", False)
            patch.setattr(quadratics, "_moved", lambda *_: None)
            return function()

    return call


CASES = [(method, group) for method in METHODS for group in GROUPS if method != "unconstrained" or group == "trivial"]
CASES.remove(("augmented", "translations"))  # as many elements as columns, so S̄ is formed
CASES.remove(("augmented", "symmetric"))


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize(("method", "group"), CASES)
def test_optima_and_landscapes(rng, dense, method, group, ridge):
    rep = GROUPS[group]()
    m = data(rng, rep)

    def look():
        p = METHODS[method](m, rep, ridge=ridge)
        points = lv.critical_points(p)
        found = lv.solve(p)
        V = np.ones((OUTPUTS, p.dim))
        return p, found, [point.weights for point in points], points[0].spectrum, p.loss(V), p.gradient(V)

    (p, wide, points, spectrum, loss, gradient), (_, twin, others, same, height, slope) = look(), dense(look)
    scale, dims = np.linalg.norm(twin.weights), (OUTPUTS, COLUMNS)
    condition = twin.condition / (twin.gap or 1.0)
    assert (wide.rank, wide.data_rank, wide.unique) == (twin.rank, twin.data_rank, twin.unique)
    close("wide: weights", wide.weights, twin.weights, norms=scale, dims=dims, condition=condition)
    close("wide: loss", wide.loss, twin.loss, norms=p.quadratic.constant, dims=dims)
    close("wide: σ", wide.singular_values, twin.singular_values, norms=twin.singular_values[0], dims=dims)
    close("wide: points", points, others, norms=scale, dims=dims, condition=condition * len(points))
    close("wide: spectrum", spectrum, same, norms=np.linalg.norm(same), dims=dims, condition=condition)
    close("wide: loss of V", loss, height, norms=height, dims=dims)
    close("wide: gradient", gradient, slope, norms=np.linalg.norm(slope), dims=dims)
    assert p.loss(p.restrict(wide.weights)) == pytest.approx(wide.loss, rel=1e-12)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize(("method", "group"), CASES)
def test_products_and_training(rng, dense, method, group, ridge, kind):
    rep = GROUPS[group]()
    m = data(rng, rep)
    dim = METHODS[method](m, rep, ridge=ridge).dim
    rank = min(2, dim)
    net = lv.Network([rng.standard_normal((rank, dim)) / 9, rng.standard_normal((OUTPUTS, rank))])
    directions = rng.standard_normal((net.flat.size, 3))

    def look():
        p = METHODS[method](m, rep, ridge=ridge)
        if rank < 2:
            p = type(p)(**{**vars(p), "rank": rank})
        H = lv.hessian(p, net)
        runs = [
            lv.train(p, epochs=40, init=lv.init.given(net), optimizer=optimizer, dtype=kind)
            for optimizer in (lv.Adam(1e-3), lv.GradientDescent(1e-4))
        ]
        return H @ directions, lv.networks.network_loss(p, net), runs

    (products, loss, runs), (others, height, twins) = look(), dense(look)
    dims, condition = (OUTPUTS, COLUMNS), 1 if kind is np.float64 else 2**29
    close("wide: H V", products, others, norms=np.linalg.norm(others), dims=dims)
    close("wide: network_loss", loss, height, norms=height, dims=dims)
    for run, twin in zip(runs, twins, strict=True):
        for name in ("loss", "norm", "norm_perp", "norm_first_perp", "norm_seen", "norm_frozen"):
            found, other = getattr(run, name), getattr(twin, name)
            assert np.isnan(found).tolist() == np.isnan(other).tolist()
            size = np.linalg.norm(np.nan_to_num(getattr(twin, "norm" if "norm" in name else name)))
            close(
                f"wide: {name}", np.nan_to_num(found), np.nan_to_num(other), norms=size, dims=dims, condition=condition
            )


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "trivial"])
def test_the_path(rng, dense, group):
    rep = GROUPS[group]()
    m, new = data(rng, rep), data(rng, rep)
    strengths = np.logspace(-4, 6, 11)

    def look():
        path = lv.regularization_path(m, rep, rank=2)
        return path.evaluate(strengths), path.losses(new, strengths), path.limit, path.jumps, path(0.1)

    (wide, losses, limit, jumps, at), (twin, others, end, same, there) = look(), dense(look)
    dims, condition = (OUTPUTS, COLUMNS), there.condition / twin.gap.min()
    for name in ("loss", "singular_values", "weights", "norm_perp"):
        found, other = getattr(wide, name), getattr(twin, name)
        close(f"wide path: {name}", found, other, norms=np.linalg.norm(other), dims=dims, condition=condition)
    close("wide path: losses", losses, others, norms=np.linalg.norm(others), dims=dims, condition=condition)
    close("wide path: limit", limit.weights, end.weights, norms=np.linalg.norm(end.weights), dims=dims, condition=9e3)
    close(
        "wide path: at 0.1",
        at.weights,
        there.weights,
        norms=np.linalg.norm(there.weights),
        dims=dims,
        condition=condition,
    )
    assert [jump.strength for jump in jumps] == pytest.approx([jump.strength for jump in same], rel=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize(("method", "group"), CASES)
def test_exact_curvature_and_flow(rng, dense, method, group, ridge):
    rep = GROUPS[group]()
    m = data(rng, rep)
    dim = METHODS[method](m, rep, ridge=ridge).dim
    h = min(2, dim)
    net = lv.Network([rng.standard_normal((h, dim)) / 9, np.eye(h), rng.standard_normal((OUTPUTS, h))])

    def look():
        p = METHODS[method](m, rep, ridge=ridge)
        matrices = lv.hessian(p, net), lv.curvature.gauss_newton(p, net)
        flow = lv.dynamics.gradient_flow(p, net, [0.0, 0.01])
        return (
            [(H.trace(), H.frobenius_norm(), H.diagonal()) for H in matrices],
            [state.flat for state in flow.networks],
            flow.loss,
            lv.dynamics.time_scales(p, 0.01),
        )

    (wide, states, losses, times), (twin, others, heights, same) = look(), dense(look)
    dims = (OUTPUTS, COLUMNS)
    for (trace, norm, diagonal), (total, size, expected) in zip(wide, twin, strict=True):
        assert trace == pytest.approx(total, rel=1e-12)
        assert norm == pytest.approx(size, rel=1e-12)
        close("wide: diagonal of H", diagonal, expected, norms=np.linalg.norm(expected), dims=dims)
    close("wide: flow", states, others, norms=np.linalg.norm(others), dims=dims)
    close("wide: losses of the flow", losses, heights, norms=heights[0], dims=dims)
    for name in ("curvatures", "limits", "half_times"):
        assert getattr(times, name) == pytest.approx(getattr(same, name), rel=1e-10)
    assert times.misfit <= same.misfit * (1 + 1e-10)


@pytest.mark.parametrize("strength", [1e-12, 1e-4, 1e4, 1e12])
@pytest.mark.parametrize("ridge", [1e-10, 1.0, 1e10])
@pytest.mark.parametrize("group", [group for group in GROUPS if group != "trivial"])
def test_ridge_and_penalty_of_any_ratio(rng, dense, group, ridge, strength):
    rep = GROUPS[group]()
    m = data(rng, rep)

    def look():
        return lv.solve(lv.regularized(m, rep, rank=2, strength=strength, ridge=ridge))

    wide, twin = look(), dense(look)
    dims = (OUTPUTS, COLUMNS)
    condition = twin.condition / twin.gap
    close(
        "wide: ridge and penalty",
        wide.weights,
        twin.weights,
        norms=np.linalg.norm(twin.weights),
        dims=dims,
        condition=condition,
    )
    close("wide: their loss", wide.loss, twin.loss, norms=m.yy, dims=dims)
    assert (wide.rank, wide.data_rank, wide.unique) == (twin.rank, twin.data_rank, twin.unique)


@pytest.mark.parametrize("group", ["trivial", "swap", "rotations"])
@pytest.mark.parametrize("method", ["unconstrained", "augmented", "regularized"])
def test_nullity(rng, dense, method, group):
    rep = GROUPS[group]()
    m = data(rng, rep)

    def look():
        p = METHODS[method](m, rep)
        point = lv.critical_points(p)[1]
        return [
            lv.nullity(p, lv.network_at(point, (p.dim, h, OUTPUTS), gauge=np.random.default_rng(5))) for h in (2, 3)
        ]

    for wide, twin in zip(look(), dense(look), strict=True):
        assert repr(wide) == repr(twin)
        close(
            "wide: eigenvalues of H",
            wide.eigenvalues,
            twin.eigenvalues,
            norms=np.linalg.norm(twin.eigenvalues),
            dims=twin.eigenvalues.shape,
        )


def test_stable_step(rng, dense):
    rep = GROUPS["swap"]()
    m = data(rng, rep)
    net = lv.Network([rng.standard_normal((2, COLUMNS)), rng.standard_normal((OUTPUTS, 2))])

    def look():
        return [lv.dynamics.stable_step(lv.augmented(m, rep, rank=2, ridge=ridge), net) for ridge in (0.0, 0.1)]

    assert look() == pytest.approx(dense(look), rel=1e-12)


def test_rows_seen_through_the_penalty(rng):
    """E Aᵀ = 0 off the frame: what A does not see is G Gᵀ-orthogonal to it, and ‖y E G‖ = ‖y‖."""
    for make in GROUPS.values():
        rep, A = make(), rng.standard_normal((6, COLUMNS))
        E, G = rep.penalty_frame_of(A), np.asarray((rep.defect @ rep.defect.T).todense())
        close("E G Gᵀ Eᵀ = 1", E @ G @ E.T, np.eye(len(E)), norms=1, dims=G.shape)
        off = A - rep.project(A)
        close(
            "A off the invariants = A Eᵀ E G Gᵀ",
            A @ E.T @ (E @ G),
            off,
            norms=np.linalg.norm(A),
            dims=G.shape,
            condition=1e3,
        )


SCRIPT = """
import resource, sys, numpy as np, linvariance as lv
n, d, rng = 200, 100_000, np.random.default_rng(0)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
X = rng.standard_normal((n, d))
m = lv.Moments.from_data(X, X[:, :5] + rng.standard_normal((n, 5)))
del X
swap = lv.groups.permutations([np.r_[d // 2 : d, : d // 2]])
p = {case}
s = lv.solve(p)
assert s.weights.shape == (5, d) and abs(p.loss(p.restrict(s.weights)) - s.loss) <= 1e-10 * p.quadratic.constant
list(lv.critical_points(p))
t = lv.train(p, epochs=5)
assert np.isfinite(t.loss).all() and lv.hessian(p, t.network).matvec(t.network.flat).shape == t.network.flat.shape
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) / 2**10)
"""
LARGE = {
    "unconstrained": "lv.unconstrained(m, rank=2)",
    "trivial": "lv.hard_wired(m, lv.groups.trivial(d), rank=2)",
    "augmented": "lv.augmented(m, swap, rank=2)",
    "regularized": "lv.regularized(m, swap, rank=2, strength=0.1)",
}


@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
@pytest.mark.parametrize("case", LARGE)
def test_two_hundred_rows_of_a_hundred_thousand_columns(case):
    """In some times the memory of the rows (of all elements', augmented), 153 MB, where d0² would be 75 GiB."""
    script = textwrap.dedent(SCRIPT).replace("{case}", LARGE[case])
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr
    rows = 8 * 200 * 100_000 / 2**20 * (2 if case == "augmented" else 1)
    bounded(f"wide: memory, {case}", float(found.stdout), norms=rows / EPS, dims=1, gate=16)
