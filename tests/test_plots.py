"""Drawing: what is drawn is what was given, and matplotlib's global state stays as it was."""

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb

from linvariance import plots

X = np.arange(0, 50, 10)
RUNS = np.array([[5.0, 4, 3, 2, 1], [6, 5, 4, 3, 2], [9, 9, 9, 9, 9]])


def test_a_curve_is_the_median_within_the_range():
    _, (axes,) = plots.panels(size=(4, 3))
    plots.draw(axes, [plots.Curve("three runs", X, RUNS, plots.LOOKS[0])], [plots.Level(2.5, plots.LOOKS[0])])
    level, curve = axes.lines
    np.testing.assert_array_equal(curve.get_ydata(), [6, 5, 4, 3, 2])
    assert level.get_linestyle() == "--"
    assert level.get_ydata()[0] == 2.5
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1, 9)


def test_one_run_has_no_band():
    _, (axes,) = plots.panels(size=(4, 3))
    plots.draw(axes, [plots.Curve("one run", X, RUNS[:1], plots.LOOKS[0])])
    assert not axes.collections


def test_boxes_hold_quantiles():
    _, (axes,) = plots.panels(size=(4, 3))
    quantiles = np.array([[1.0, 2, 4, 8, 16], [3, 5, 7, 9, 11]])
    plots.boxes(axes, np.array([0.0, 1.0]), quantiles, plots.LOOKS[0], "two boxes")
    assert [(box.get_y(), box.get_y() + box.get_height()) for box in axes.patches] == [(2, 8), (5, 9)]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [4, 7])
    whiskers = [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()]
    assert whiskers == [[1, 16], [3, 11]]


def test_stems_stand_side_by_side():
    _, (axes,) = plots.panels(size=(4, 3))
    plots.stems(
        axes,
        [plots.Curve(name, np.arange(1, 6), RUNS[:1], look) for name, look in zip("ab", plots.LOOKS, strict=False)],
    )
    a, b = (line.get_xdata() for line in axes.lines)
    assert (a < b).all()
    np.testing.assert_array_equal(np.round((a + b) / 2, 12), np.arange(1, 6))


def test_many_stems_leave_their_ticks_to_matplotlib():
    _, (few, many) = plots.panels(1, 2, size=(4, 3))
    for axes, n in ((few, 20), (many, 200)):
        plots.stems(axes, [plots.Curve("values", np.arange(1, n + 1), np.ones((1, n)), plots.LOOKS[0])])
    assert len(few.get_xticks()) == 20
    assert len(many.get_xticks()) < 20


def test_points_are_coloured_alike_in_all_panels_and_one_has_the_bar():
    figure, panels = plots.panels(1, 2, size=(4, 3))
    for axes, bar in zip(panels, ("", "index"), strict=True):
        plots.points(axes, X, RUNS[0], np.arange(5), bar=bar)
    left, right = (axes.collections[0] for axes in panels)
    np.testing.assert_array_equal(left.get_offsets(), np.stack([X, RUNS[0]], axis=1))
    figure.canvas.draw()
    np.testing.assert_array_equal(left.get_facecolors(), right.get_facecolors())
    assert [axes.get_ylabel() for axes in figure.axes] == ["", "", "index"]


def test_texts_of_marks_point_to_the_middle():
    _, (linear, log) = plots.panels(1, 2, size=(4, 3))
    for axes, places in ((linear, (10.0, 35.0)), (log, (3.0, 800.0))):
        axes.plot([1, 1000] if axes is log else [0, 40], [1, 2])
        axes.set_xscale("log" if axes is log else "linear")
        for x in places:
            plots.mark(axes, x, "here", inwards=True)
        assert [text.get_horizontalalignment() for text in axes.texts] == ["left", "right"]


def test_levels_are_named_in_the_legend_if_they_have_a_name():
    figure, (axes,) = plots.panels(size=(4, 3))
    plots.draw(axes, [], [plots.Level(1.0, plots.LOOKS[0], "limit"), plots.Level(2.0, plots.LOOKS[1])])
    plots.legend(figure, axes)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["limit"]


def test_looks_differ_in_marker_and_in_lightness_or_hue():
    assert len({look.marker for look in plots.LOOKS}) == len(plots.LOOKS)
    for one, other in itertools.combinations(plots.LOOKS, 2):
        assert np.abs(np.subtract(to_rgb(one.colour), to_rgb(other.colour))).max() > 0.2


def test_the_same_figure_gives_the_same_bytes_and_global_state_stays(tmp_path):
    before = dict(mpl.rcParams)
    for name in ("a.png", "b.png"):
        figure, (axes,) = plots.panels(size=(4, 3))
        plots.draw(axes, [plots.Curve("runs", X, RUNS, plots.LOOKS[0])])
        plots.legend(figure, axes, note="reference")
        plots.save(figure, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert dict(mpl.rcParams) == before


def test_importing_the_package_imports_nothing_heavy():
    program = (
        "import sys, linvariance, linvariance.datasets, linvariance.plots, linvariance.experiments.cli\n"
        "heavy = 'matplotlib', 'sklearn', 'mlxtend', 'pandas', 'rich', 'cyclopts'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
