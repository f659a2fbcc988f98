"""What gradient descent passes: the figure's families by SVD, its distances by a plain descent."""

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments.figures import FIGURES, implicit


@pytest.fixture(scope="module")
def posed(squared):
    return implicit.Whitened.of(next(iter(squared.problems.values())))


def test_both_families_are_those_of_the_singular_values(posed):
    """W_r cuts and the nuclear norm lowers σ(C'), S' = 1; the loss is the hard-wired problem's."""
    C = posed.problem.quadratic.cross
    U, s, Vt = np.linalg.svd(C, full_matrices=False)
    np.testing.assert_allclose(posed.ladder[3], (U[:, :3] * s[:3]) @ Vt[:3], atol=1e-12)
    np.testing.assert_allclose(posed.shrunk([s[2]])[0], (U * np.maximum(s - s[2] / 2, 0)) @ Vt, atol=1e-12)
    assert posed.losses(posed.ladder)[-1] == pytest.approx(posed.floor, rel=1e-12)
    assert posed.losses(posed.ladder)[0] == pytest.approx(1.0, rel=1e-12)  # ‖Y‖²/n of one-hot targets


def test_runs_are_those_of_a_plain_descent(squared, posed, monkeypatch):
    """The same initial weights, the same steps: W_2 W_1 on ‖C - W‖²."""
    monkeypatch.setattr(implicit, "EPOCHS", {2: 40})
    monkeypatch.setattr(implicit, "RECORDS", 40)
    W = implicit._runs(squared, posed, 2, 0.1)
    C, q = posed.problem.quadratic.cross, len(posed.sigma)
    widths = [C.shape[1], q, len(C)]
    first, second = lv.train(
        posed.problem, widths, epochs=0, seeds=(1,), init=lv.init.gaussian(0.1), optimizer=lv.GradientDescent(0.1)
    ).network.weights
    for _ in range(40):
        D = 2 * (second @ first - C)
        first, second = first - implicit.RATE * second.T @ D, second - implicit.RATE * D @ first.T
    np.testing.assert_allclose(W[1, -1], second @ first, atol=1e-12)


def test_what_it_says(squared, posed, monkeypatch):
    """Distances in the facts and in the caption are those of the runs; small weights come closer to bounded rank."""
    monkeypatch.setattr(implicit, "SCALES", {2: (1e-1, 1e-6), 3: (1e-1, 3e-3)})
    monkeypatch.setattr(implicit, "EPOCHS", {2: 4000, 3: 1000})
    monkeypatch.setattr(implicit, "RECORDS", 1000)
    result = FIGURES["implicit"].make(squared)
    found = {(fact.quantity, fact.of): fact.trained for fact in result.facts}
    assert len(found) == 8
    bounded, nuclear = (
        found[f"mean distance to {name}, in ‖Z‖", "depth 2, weights of 1e-06"]
        for name in ("optima of bounded rank", "nuclear-norm optima")
    )
    runs, s = implicit._runs(squared, posed, 2, 1e-6), posed.sigma
    distances = [min(np.linalg.norm(W - rung) for W in runs[0]) for rung in posed.ladder[1:-1]]
    assert bounded[0] == pytest.approx(np.mean(distances) / np.linalg.norm(s), rel=1e-12)
    assert f"{np.median(bounded):#.3g} and {np.median(nuclear):#.3g} (depth 2, weights of 1e-06)" in result.caption
    green = {row[0]: row[-1] for row in result.rows if row[1:3] == ("nuclear-norm optima", 0)}
    assert green["nuclear norm"] == pytest.approx(s.sum())
    ends = {row[0]: row[-1] for row in result.rows if row[1:3] == ("nuclear-norm optima", 100)}
    assert ends == {"nuclear norm": pytest.approx(0.0, abs=1e-14), "loss": pytest.approx(1.0)}
