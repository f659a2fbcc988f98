"""Every figure of the registry: its table, its facts, its caption, its picture."""

import numpy as np
import pytest

from linvariance.experiments.figures import FIGURES, chosen
from linvariance.experiments.methods import AUGMENTED, HARD_WIRED
from linvariance.experiments.protocol import LOSS_NAMES
from linvariance.experiments.results import Fact, ends, listed, middle, number, spread


@pytest.fixture(scope="module")
def results(experiments):
    return {name: figure.make(experiments[figure.experiment]) for name, figure in FIGURES.items()}


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
    levels = [
        line.get_ydata()[0]
        for line in results[name].picture.axes[0 if name == "fig3" else -1].lines
        if line.get_linestyle() == "--"
    ]
    expected = [fact.closed_form for fact in results[name].facts if fact.closed_form is not None]
    if name == "fig4":  # the second panel, whose logarithmic axis has no 0
        expected = [value for value in expected[len(expected) // 2 :] if value > 1e-12]
    np.testing.assert_array_equal(levels, expected)


@pytest.mark.parametrize("name", [name for name, figure in FIGURES.items() if figure.experiment == "cross_entropy"])
def test_without_closed_form_nothing_is_dashed_or_said_of_it(name, results):
    result = results[name]
    assert not any(line.get_linestyle() == "--" for panel in result.picture.axes for line in panel.lines)
    assert "closed" not in result.caption + "".join(text.get_text() for text in result.picture.legends[0].get_texts())
    assert all(fact.closed_form is None for fact in result.facts)


OF_A_LOSS = [name for name, figure in FIGURES.items() if figure.number and figure.experiment in LOSS_NAMES]


@pytest.mark.parametrize("name", OF_A_LOSS)
def test_pictures_name_their_loss(name, results):
    assert results[name].picture.legends[0].get_title().get_text() == LOSS_NAMES[FIGURES[name].experiment]


def test_a_method_looks_the_same_in_every_figure(squared, cross_entropy):
    for experiment in (squared, cross_entropy):
        assert len({method.look for method in experiment.problems}) == len(experiment.problems)
    looks = {method.name: method.look for method in squared.problems}
    shared = [method for method in cross_entropy.problems if method.name in looks]
    assert len(shared) == 4
    assert all(method.look == looks[method.name] for method in shared)


def test_figure_1_follows_entries_of_w(squared, results):
    experiment = squared
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


def of_the_same_kind(name, experiment):
    """The name of the figure with this maker and the loss of the experiment."""
    return next(
        figure.name
        for figure in FIGURES.values()
        if figure.make == FIGURES[name].make and figure.experiment == experiment.protocol.loss
    )


def test_every_figure_has_its_counterpart_under_cross_entropy(experiments):
    names = [of_the_same_kind(name, experiments["cross_entropy"]) for name in ("fig1", "fig2", "fig3", "fig4")]
    assert names == ["fig6", "fig7", "fig8", "fig9"]


def test_figures_2_and_7_end_with_the_courses(experiment, results):
    rows = results[of_the_same_kind("fig2", experiment)].rows
    ends = {(row[0], row[1]): row[3] for row in rows if row[2] == experiment.protocol.epochs}
    for method, course in experiment.courses.items():
        assert [ends[method.name, seed] for seed in experiment.seeds] == course.accuracy[:, -1].tolist()


@pytest.mark.parametrize("name", ["fig4", "fig9"])
def test_figures_4_and_9_show_two_parts_of_a_whole(name, results):
    for *_, share, rest in results[name].rows:
        assert share + rest == pytest.approx(1, abs=1e-15)


def test_figures_4_and_9_tell_how_the_norm_grew(experiment, results):
    facts = results[of_the_same_kind("fig4", experiment)].facts
    grown = {fact.of: fact.trained for fact in facts if fact.quantity.startswith("final ‖W‖")}
    for method in experiment.learned:
        norm = experiment.courses[method].norm
        np.testing.assert_array_equal(grown[method.label], norm[:, -1] / norm[:, 0])


def test_figure_5_in_the_papers_scaling_is_two_to_one(results):
    tops = {fact.of: fact.closed_form for fact in results["fig5"].facts}
    assert tops[AUGMENTED.label] / tops[HARD_WIRED.label] == pytest.approx(2, rel=1e-12)


def test_figure_5_scales_singular_values_of_sums(squared, results):
    X, Y = squared.inputs, squared.digits.targets(9)
    side = squared.protocol.side
    turned = np.concatenate([np.rot90(X.reshape(-1, side, side), k, axes=(1, 2)).reshape(len(X), -1) for k in range(4)])
    U = np.linalg.svd(turned, full_matrices=False)
    rank = np.sum(1e-10 * U.S[0] < U.S)  # a tiny sample: far below the smallest eigenvalue seen, far above rounding
    expected = np.linalg.svd(np.tile(Y, (4, 1)).T @ U.U[:, :rank], compute_uv=False)
    found = [row[3] for row in results["fig5"].rows if row[0] == "augmented"]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_names_are_chosen_in_the_papers_order():
    assert chosen(()) == chosen(("all",)) == chosen(("fig1", "all")) == tuple(FIGURES.values())
    assert [figure.name for figure in chosen(("fig5", "fig2", "fig5"))] == ["fig2", "fig5"]
    with pytest.raises(ValueError, match=r"no figure 'fig99'.*fig1, fig2"):
        chosen(("fig1", "fig99"))


def test_words():
    assert number(1e-13) == "0"
    assert number(123.4) == "123"
    assert number(2.6e-5) == "2.60e-05"
    assert listed(["a"]) == "a"
    assert spread([0.3, 0.1, 0.2]) == "0.200 (0.100 to 0.300)"
    assert spread([]) == "-"


def test_the_sentence_of_ends(squared):
    facts = [Fact("accuracy", "a", closed_form=1.0, trained=(0.5, 0.7)), Fact("accuracy", "b", trained=(0.1, 0.1))]
    assert ends(squared, facts) == "After 20 epochs (median of 2 seeds), a: 0.600 (closed form 1.00); b: 0.100."


def test_figures_3_and_8_split_the_augmented_distance(experiment, results):
    result = results[of_the_same_kind("fig3", experiment)]
    course, rows = experiment.courses[AUGMENTED], [row for row in result.rows if row[0] == AUGMENTED.name]
    columns = (course.norm_perp, course.norm_seen, course.norm_frozen, course.norm_first_perp)
    np.testing.assert_array_equal([row[3:] for row in rows], np.stack([c.ravel() for c in columns], axis=1))
    facts = {fact.of: fact.trained for fact in result.facts}
    assert facts["augmented, seen part"] == tuple(course.norm_seen[:, -1])
    assert facts["augmented, frozen part"] == tuple(course.norm_frozen[:, -1])


def test_figures_3_and_8_tell_how_far_the_distance_rises(experiment, results):
    result = results[of_the_same_kind("fig3", experiment)]
    found = {fact.of: fact.trained for fact in result.facts if fact.quantity.startswith("largest ‖W⊥‖")}
    rises = {m.label: tuple(max(run) / run[0] for run in experiment.courses[m].norm_perp) for m in experiment.learned}
    assert found == {label: runs for label, runs in rises.items() if np.median(runs) > 1}
    assert ("does not rise" in result.caption) == (not found)
    (growth,) = (fact for fact in result.facts if "‖W₁" in fact.quantity)
    assert growth.trained == tuple(max(run) / run[0] for run in experiment.courses[AUGMENTED].norm_first_perp)
