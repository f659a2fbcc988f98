"""Results as data frames, in notebooks and as pictures: what is shown is what they hold."""

import math
import re

import numpy as np
import pytest

import linvariance as lv
from linvariance import dynamics
from linvariance.tables import ENDS, Table

RNG = np.random.default_rng(3)
REP = lv.groups.cyclic(6)
X = RNG.standard_normal((40, 6))
Y = X @ RNG.standard_normal((6, 4)) + RNG.standard_normal((40, 4))
MOMENTS = lv.Moments.from_data(X, Y)
PROBLEM = lv.unconstrained(MOMENTS, rank=2)
TRACE = lv.train([PROBLEM, lv.augmented(MOMENTS, REP, rank=2)], epochs=40, seeds=range(3))
ONE = lv.train(
    PROBLEM, epochs=400, record=lv.Record(weights=True), init=lv.init.gaussian(1e-3), optimizer=lv.Adam(0.01)
)
HESSIAN = lv.hessian(PROBLEM, ONE.network)
PATH = lv.regularization_path(MOMENTS, REP, rank=2)
POINTS = lv.critical_points(PROBLEM)
SYMMETRY = lv.select_symmetry(X, Y, {"C6": REP})
CURVE = lv.learning_curve(X, Y, REP, rank=2, strength=0.1, sizes=[8, 30], seeds=[0, 1])

TABLES = {  # with the number of their rows
    "trace": (TRACE, 2 * 3 * 5),
    "solution": (lv.solve(PROBLEM), 4),
    "nuclear norm": (lv.nuclear_norm(PROBLEM, 0.1), lv.nuclear_norm(PROBLEM, 0.1).rank),
    "path": (PATH, 200),
    "values": (PATH.evaluate([0.1, 1.0]), 2),
    "points": (POINTS, math.comb(4, 2)),
    "extremes": (lv.curvature.extremes(HESSIAN, 3), 3),
    "density": (lv.curvature.spectral_density(HESSIAN, 20), 84),
    "visits": (dynamics.visits(PROBLEM, ONE), len(dynamics.visits(PROBLEM, ONE).stays)),
    "time scales": (dynamics.time_scales(PROBLEM, 1e-3), 2),
    "flow": (dynamics.gradient_flow(PROBLEM, ONE.network, [0.0, 1.0]), 2),
    "symmetry": (SYMMETRY, 2),
    "rank": (lv.select_rank(PROBLEM), 3),
    "benefit": (lv.symmetry_benefit(X, Y, REP), 2),
    "curve": (CURVE, 4 * 2 * 2),
}
DRAWN = {name: result for name, (result, _) in TABLES.items() if hasattr(result, "plot")}


@pytest.mark.parametrize("name", TABLES)
def test_a_frame_has_a_row_for_each(name):
    pytest.importorskip("pandas")
    result, rows = TABLES[name]
    frame = result.to_frame()
    assert len(frame) == rows
    assert all(re.fullmatch(r"[a-z0-9_]+", column) for column in frame.columns)


@pytest.mark.parametrize("name", TABLES)
def test_a_notebook_shows_a_table_under_what_is_printed(name):
    result, _ = TABLES[name]
    shown = result._repr_html_()
    assert shown.count("<th>") == len(re.search(r"<tbody>(.*?)</tr>", shown)[1].split("<td>")) - 1
    assert shown.count("<tr>") <= 2 * ENDS + 2
    assert not re.search(r"&(?!amp;|lt;|gt;|#x27;|quot;)", shown)


def test_frames_hold_the_values():
    pytest.importorskip("pandas")
    values = PATH.evaluate([0.1, 1.0])
    np.testing.assert_array_equal(values.to_frame()[["sigma_1", "sigma_4"]], values.singular_values[:, [0, 3]])
    assert list(POINTS.to_frame()["loss"]) == [point.loss for point in POINTS]
    frame = CURVE.to_frame()
    mine = frame[(frame.method == "augmented") & (frame.seed == 1) & (frame.n == 30)]
    assert mine.loss.item() == CURVE.loss[2, 1, 1]


def test_long_tables_are_cut_in_the_middle_and_say_so():
    shown = Table("numbers", ["k"], [[k] for k in range(1000)]).html()
    assert [int(cell) for cell in re.findall(r"<td>(\d+)", shown)] == [*range(ENDS), *range(1000 - ENDS, 1000)]
    assert shown.endswith("<p>1,000 rows, 980 of them not shown.</p>")


def test_what_data_say_is_escaped():
    assert "<b>" not in Table("<b>", ["<b>"], [["<b>"]], "<b>").html()


@pytest.mark.parametrize("name", DRAWN)
def test_pictures_go_where_they_are_sent(name):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = DRAWN[name].plot()
    assert pyplot.figure(axes.figure.number) is axes.figure, "pyplot.show() shows it"
    mine = pyplot.figure().subplots()
    assert DRAWN[name].plot(mine) is mine
    assert mine.lines or mine.patches
    with pytest.raises(TypeError, match="ax must be Axes, but is Figure: make some"):
        DRAWN[name].plot(axes.figure)


def test_a_trace_is_a_line_a_problem_within_the_band_of_its_seeds():
    pytest.importorskip("matplotlib")
    axes = TRACE.plot()
    for line, losses in zip(axes.lines, TRACE.loss, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), np.median(losses, axis=0))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["unconstrained", "augmented"]
    assert ONE.plot().get_legend() is None


def test_many_problems_have_colours_of_their_own_and_few_names():
    pytest.importorskip("matplotlib")
    axes = lv.train([lv.regularized(MOMENTS, REP, rank=2, strength=s) for s in range(20)], epochs=2).plot()
    assert len({line.get_color() for line in axes.lines}) == 20
    assert [line.get_label() for line in axes.lines if line.get_label()[0] != "_"][1] == "regularized, λ = 3.0"
    twice = lv.train([PROBLEM, PROBLEM, lv.hard_wired(MOMENTS, REP, rank=1)], epochs=2).plot().get_legend()
    assert [text.get_text() for text in twice.get_texts()] == [
        "unconstrained, problem 0",
        "unconstrained, problem 1",
        "hard-wired",
    ]
    assert len(axes.get_legend().get_texts()) == 7


def test_a_diverged_run_can_be_drawn():
    pytest.importorskip("matplotlib")
    with pytest.warns(RuntimeWarning, match="diverged"):
        trace = lv.train(PROBLEM, epochs=100, optimizer=lv.GradientDescent(10.0))
    trace.plot().figure.canvas.draw()


def test_a_path_draws_the_losses_of_its_ranks():
    pytest.importorskip("matplotlib")
    axes = PATH.plot()
    assert [line.get_label() for line in axes.lines] == ["rank 1", "rank 2, that of the path", "rank 3", "rank 4"]
    strengths, drawn = axes.lines[1].get_data()
    wanted = [PROBLEM.loss(PATH(strength).weights) for strength in strengths[::50]]
    np.testing.assert_allclose(drawn[::50], wanted, rtol=1e-10)  # both are backward stable; X has condition 3
    jumping = lv.Moments.from_data(np.eye(2), np.array([[1.0, 2.0], [1.0, -2.0]]))
    path = lv.regularization_path(jumping, lv.groups.symmetric(2), rank=1)
    assert path.plot().lines[-1].get_xdata()[0] == path.jumps[0].strength


def test_critical_points_stand_over_their_indices():
    pytest.importorskip("matplotlib")
    minimum, saddles, _ = POINTS.plot().lines
    assert (minimum.get_xdata(), minimum.get_ydata()) == ([0], [lv.solve(PROBLEM).loss])
    assert sorted(saddles.get_xdata()) == sorted(point.index for point in POINTS)[1:]
    many = lv.critical_points(lv.unconstrained(lv.Moments.from_data(np.eye(16), np.diag(np.arange(1.0, 17))), rank=8))
    assert many.plot().get_title() == "the 1,000 lowest of 12,870 critical points"
    assert many._repr_html_().endswith("980 of them not shown.</p>")


def test_spectra_and_densities_share_axes():
    pytest.importorskip("matplotlib")
    axes = lv.solve(PROBLEM).plot()
    lv.nuclear_norm(PROBLEM, 0.5).plot(axes)
    first, _, second = axes.lines  # between them the mark of the rank
    assert first.get_color() != second.get_color()
    assert len(axes.get_legend().get_texts()) == 2
    density = lv.curvature.spectral_density(HESSIAN, 50)
    axes = density.plot()
    one, other = density.plot(axes).lines
    assert one.get_color() != other.get_color()
    assert np.nanmin(one.get_ydata()) > 0


@pytest.mark.parametrize(("name", "package"), [("to_frame", "pandas"), ("plot", "matplotlib")])
def test_without_it_a_sentence_says_what_to_install(name, package, monkeypatch):
    modules = __import__("sys").modules
    monkeypatch.setitem(modules, package, None)
    monkeypatch.setitem(modules, f"{package}.pyplot", None)
    with pytest.raises(ImportError, match=rf"{name}\(\) needs {package}: pip install {package}\."):
        getattr(TRACE, name)()
