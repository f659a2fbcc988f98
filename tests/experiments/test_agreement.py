"""What agrees with the paper, and what does not: every grade can fail."""

import json
from dataclasses import replace

import numpy as np
import pytest

from linvariance.experiments import paper
from linvariance.experiments.agreement import agreement
from linvariance.experiments.comparison import FACTORS, Comparison, Gap, compare, distances, runs, spread, tolerances
from linvariance.experiments.figures import FIGURES
from linvariance.experiments.results import Fact

READ = [name for name in FIGURES if paper.lines(name)]
CURVES = [(figure, name) for figure in READ for name in paper.lines(figure)]


def test_all_curves_of_the_paper_are_there():
    counts = {figure: len(paper.lines(figure)) for figure in READ}
    assert counts == {
        "fig2": 5,
        "fig3": 4,
        "fig4": 4,
        "fig5": 3,
        "fig7": 5,
        "fig8": 4,
        "fig9": 4,
        "fig10": 16,
        "fig11": 32,
    }
    for figure, name in CURVES:
        line = paper.line(figure, name)
        assert line.x.shape == line.y.shape
        assert np.all(np.diff(line.x) > 0)
        assert np.all(np.isfinite(line.y))
        assert line.y.min() >= 0
    assert {float(line.y[0]) for figure in ("fig3", "fig8") for line in paper.lines(figure).values()} == {0.8729}


def test_every_curve_has_a_tolerance_from_our_runs():
    for figure in READ:
        assert set(spread()[figure]) == set(paper.lines(figure))
        assert runs(figure) >= 2
        for near, far in spread()[figure].values():
            assert 0 < near <= far < np.inf


LOOSE = {("fig3", "augmented")}
"""Runs of ours differ so much that what never leaves its start, or goes backwards, is no further away."""


def graded(figure, name, y):
    return compare(figure, name, paper.line(figure, name).x, y).agrees


def wrong_curves(figure, name):
    """What training may not give: nothing learned, nothing left, three times too much, a NaN, time reversed."""
    line = paper.line(figure, name)
    if figure in FACTORS:
        return [1e3 * (line.y + 1), line.y + np.nan]
    others = [] if (figure, name) in LOOSE else [np.full_like(line.y, line.y[0]), line.y[::-1]]
    return [*others, 0 * line.y, 3 * line.y, np.where(line.x == line.x[1], np.nan, line.y)]


@pytest.mark.parametrize(("figure", "name"), CURVES, ids=map(" ".join, CURVES))
def test_every_grade_can_fail(figure, name):
    line = paper.line(figure, name)
    assert graded(figure, name, line.y)
    for wrong in wrong_curves(figure, name):
        assert not graded(figure, name, wrong)


@pytest.mark.parametrize(("figure", "name"), CURVES, ids=map(" ".join, CURVES))
def test_the_grade_changes_at_the_tolerance(figure, name):
    line, (near, far) = paper.line(figure, name), tolerances(figure, name)
    if figure in FACTORS:
        base = max(line.y[0], paper.reading(figure))
        moved = {factor: np.array([base * near**factor]) for factor in (0.99, 1.01)}
    else:
        here = np.zeros_like(line.y)
        here[0 if figure == "fig5" else -1] = min(near, far)
        moved = {factor: line.y + factor * here for factor in (0.99, 1.01)}
    assert graded(figure, name, moved[0.99])
    assert not graded(figure, name, moved[1.01])


def test_a_bump_in_the_middle_is_no_agreement():
    line = paper.line("fig3", "augmented")
    bump = 0.5 * np.exp(-(((line.x - 1000) / 50) ** 2))
    found = compare("fig3", "augmented", line.x, line.y + bump)
    assert found.here.agrees
    assert not found.largest.agrees
    assert found.place == 1000
    assert found.largest.distance == pytest.approx(0.5)


def test_networks_of_the_wrong_width_do_not_agree():
    """A grade that tells 7 hidden units from 15, and the bottleneck's invariance from none."""
    for figure, least in (("fig10", 16), ("fig11", 8)):
        wrong = 0
        for name, line in paper.lines(figure).items():
            other = name.replace(" 15 ", " x ").replace(" 7 ", " 15 ").replace(" x ", " 7 ")
            wrong += not graded(figure, name, paper.line(figure, other).y)
            assert other != name
            assert line.y.shape == paper.line(figure, other).y.shape
        assert wrong >= least, figure


def test_only_what_both_have_is_compared():
    line = paper.line("fig2", "augmented")
    short = line.x <= 100
    found = compare("fig2", "augmented", line.x[short], line.y[short] + 0.01)
    assert found.value == line.y[short][-1]
    assert found.here.distance == pytest.approx(0.01)
    assert compare("fig2", "convolutional", line.x, line.y) is None
    assert compare("conv", "augmented", line.x, line.y) is None


def test_factors_do_not_tell_small_heights_from_zero():
    width = paper.reading("fig11")
    np.testing.assert_allclose(distances("fig11", np.array([0.0, 4.0, 1.0]), np.array([width, 1.0, 4.0])), [1, 4, 4])


RIGHT = Comparison(0.5, Gap(0.02, 0.05), Gap(0.04, 0.1), 60.0)
LATE = Comparison(0.5, Gap(0.07, 0.05), Gap(0.07, 0.1), 60.0)
FAR = Comparison(0.5, Gap(0.02, 0.05), Gap(0.2, 0.1), 60.0)


@pytest.mark.parametrize(
    ("papers", "sentence"),
    [
        ([], "There is nothing of the paper to compare with."),
        ([RIGHT, None], "Height agrees with the paper for a."),
        ([RIGHT] * 7, "Height agrees with the paper for 7 of 7."),
        (
            [RIGHT, LATE],
            "Height agrees with the paper for a, but not for b (off by 0.07, tolerance 0.05; along the curve 0.07, "
            "tolerance 0.1).",
        ),
        (
            [FAR],
            "Height does not agree with the paper for a (off by 0.02, tolerance 0.05; along the curve 0.2, "
            "tolerance 0.1).",
        ),
        (
            [Comparison(2.0, Gap(9.0, 4.0), Gap(9.0, 4.0), 1.0, is_factor=True)],
            "Height does not agree with the paper for a (off by a factor 9, tolerance 4).",
        ),
    ],
)
def test_the_sentences(papers, sentence):
    facts = [Fact("height", of, paper, trained=(1.0,)) for of, paper in zip("abcdefg", papers, strict=False)]
    assert agreement(facts) == sentence


def test_the_value_of_a_fact_is_the_median_over_seeds_or_else_the_closed_form():
    fact = Fact("a", "b", RIGHT, closed_form=9.0, trained=(0.5, 0.5, 9.0))
    assert (fact.value, fact.agrees) == (0.5, True)
    assert (replace(fact, trained=()).value, replace(fact, paper=None).agrees) == (9.0, None)
    assert replace(fact, paper=FAR).agrees is False


def test_the_facts_name_their_source():
    text = json.loads((paper.files("linvariance.experiments") / "paper.json").read_text(encoding="utf-8"))
    assert "PMLR 325" in text["about"]


def test_drawn_and_graded_are_the_papers_curves(experiments):
    for name in READ:
        result = FIGURES[name].make(experiments[FIGURES[name].experiment])
        graded = [fact for fact in result.facts if fact.paper is not None]
        assert len(graded) == len(paper.lines(name)), name
        drawn = [line for panel in result.picture.axes for line in panel.lines if line.get_color() == "#888888"]
        shown = np.concatenate([line.get_ydata() for line in drawn])
        expected = np.concatenate([line.y for line in paper.lines(name).values()])
        if name in FACTORS:
            expected = np.maximum(expected, paper.reading(name))
        np.testing.assert_array_equal(np.sort(shown), np.sort(expected), name)
        labels = [text.get_text() for text in result.picture.legends[0].get_texts()]
        assert sum(label.startswith("the paper's") for label in labels) == 1, name
