"""Every figure of the registry: its table, its facts, its caption, its picture."""

import numpy as np
import pytest

from linvariance.experiments.figures import FIGURES, accuracy, chosen, distance, spectra
from linvariance.experiments.methods import AUGMENTED, HARD_WIRED
from linvariance.experiments.results import Fact, ends, listed, middle, number, spread


@pytest.fixture(scope="module")
def results(experiment):
    return {name: figure.make(experiment) for name, figure in FIGURES.items()}


@pytest.mark.parametrize("name", FIGURES)
def test_tables_are_complete(name, results):
    result = results[name]
    assert {len(row) for row in result.rows} == {len(result.header)}
    assert len({row[:-1] for row in result.rows}) == len(result.rows) > 0


@pytest.mark.parametrize("name", FIGURES)
def test_captions_are_made_from_the_facts(name, results):
    for fact in results[name].facts:
        assert fact.closed_form is None or number(fact.closed_form) in results[name].caption
        assert not fact.trained or middle(fact.trained) in results[name].caption
    assert "nan" not in results[name].caption


@pytest.mark.parametrize("name", FIGURES)
def test_axes_are_labelled(name, results):
    axes = results[name].picture.axes
    assert any(panel.get_xlabel() for panel in axes)
    assert all(panel.get_ylabel() for panel in axes[:1])
    assert all(text.get_fontsize() >= 9 for panel in axes for text in panel.get_xticklabels())


@pytest.mark.parametrize("name", ["fig2", "fig3", "fig4"])
def test_closed_forms_are_dashed_lines(name, results):
    levels = [line.get_ydata()[0] for line in results[name].picture.axes[-1].lines if line.get_linestyle() == "--"]
    expected = [fact.closed_form for fact in results[name].facts if fact.closed_form is not None]
    if name == "fig4":  # a logarithmic axis has no 0
        expected = [value for value in expected if value > 1e-12]
    np.testing.assert_array_equal(levels, expected)


def test_readings_of_the_paper_belong_to_methods_of_the_experiment(experiment):
    names = {method.name for method in (HARD_WIRED, *experiment.learned)}
    for readings in (accuracy.ACCURACY.paper, distance.DISTANCE.paper, spectra.PAPER):
        assert readings
        assert set(readings) <= names


def test_figure_1_follows_entries_of_w(experiment, results):
    protocol, W = experiment.protocol, experiment.solutions[experiment.learned[3]].weights
    found = {row[:-1]: row[-1] for row in results["fig1"].rows}
    assert len(found) == 4 * 2 * 5 * len(protocol.rows) * len(protocol.pixels)
    entries = experiment.courses[AUGMENTED].entries
    assert found[AUGMENTED.name, 1, 20, protocol.rows[1], protocol.pixels[2]] == entries[1, -1, 4 + 2]
    gaps = {fact.of: fact for fact in results["fig1"].facts}
    assert gaps[AUGMENTED.label].closed_form < 1e-12
    expected = max(abs(W[i, j] - W[i, k]) for i in protocol.rows for j in protocol.pixels for k in protocol.pixels)
    assert gaps[experiment.learned[3].label].closed_form == expected
    expected = max(np.ptp(entries[0, -1, 4 * i : 4 * i + 4]) for i in range(3))
    assert gaps[AUGMENTED.label].trained[0] == expected


def test_figure_2_ends_with_the_courses(experiment, results):
    ends = {(row[0], row[1]): row[3] for row in results["fig2"].rows if row[2] == experiment.protocol.epochs}
    for method, course in experiment.courses.items():
        assert [ends[method.name, seed] for seed in experiment.seeds] == course.accuracy[:, -1].tolist()


def test_figure_4_shows_two_parts_of_a_whole(results):
    for *_, share, rest in results["fig4"].rows:
        assert share + rest == pytest.approx(1, abs=1e-15)


def test_figure_5_in_the_papers_scaling_is_two_to_one(results):
    tops = {fact.of: fact.closed_form for fact in results["fig5"].facts}
    assert tops[AUGMENTED.label] / tops[HARD_WIRED.label] == pytest.approx(2, rel=1e-12)


def test_figure_5_scales_singular_values_of_sums(experiment, results):
    X, Y = experiment.inputs, experiment.digits.targets(9)
    side = experiment.protocol.side
    turned = np.concatenate([np.rot90(X.reshape(-1, side, side), k, axes=(1, 2)).reshape(len(X), -1) for k in range(4)])
    U = np.linalg.svd(turned, full_matrices=False)
    rank = np.sum(1e-10 * U.S[0] < U.S)  # a tiny sample: far below the smallest eigenvalue seen, far above rounding
    expected = np.linalg.svd(np.tile(Y, (4, 1)).T @ U.U[:, :rank], compute_uv=False)
    found = [row[3] for row in results["fig5"].rows if row[0] == "augmented"]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_names_are_chosen_in_the_papers_order():
    assert chosen(()) == chosen(("all",)) == chosen(("fig1", "all")) == tuple(FIGURES.values())
    assert [figure.name for figure in chosen(("fig5", "fig2", "fig5"))] == ["fig2", "fig5"]
    with pytest.raises(ValueError, match=r"no figure 'fig12'.*fig1, fig2"):
        chosen(("fig1", "fig12"))


def test_words():
    assert number(1e-13) == "0"
    assert number(123.4) == "123"
    assert number(2.6e-5) == "2.60e-05"
    assert listed(["a"]) == "a"
    assert spread([0.3, 0.1, 0.2]) == "0.200 (0.100 to 0.300)"
    assert spread([]) == "-"


def test_the_sentence_of_ends(experiment):
    facts = [Fact("accuracy", "a", closed_form=1.0, trained=(0.5, 0.7)), Fact("accuracy", "b", 0.3, 0.2, (0.1, 0.1))]
    expected = "After 20 epochs (median of 2 seeds), a: 0.600 (closed form 1.00); b: 0.100 (closed form 0.200)."
    assert ends(experiment, facts) == expected


def test_figure_3_splits_the_augmented_distance(experiment, results):
    course, rows = experiment.courses[AUGMENTED], [row for row in results["fig3"].rows if row[0] == AUGMENTED.name]
    columns = (course.norm_perp, course.norm_seen, course.norm_frozen)
    np.testing.assert_array_equal([row[3:] for row in rows], np.stack([c.ravel() for c in columns], axis=1))
    facts = {fact.of: fact.trained for fact in results["fig3"].facts}
    assert facts["augmented, seen part"] == tuple(course.norm_seen[:, -1])
    assert facts["augmented, frozen part"] == tuple(course.norm_frozen[:, -1])
