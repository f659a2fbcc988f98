"""What agrees with the paper's plots: the values, and the sentences."""

import pytest

from linvariance.experiments.agreement import agreement
from linvariance.experiments.results import Fact, Reading, near

HALF = near(0.5, 0.1)


@pytest.mark.parametrize(
    ("reading", "inside", "outside"),
    [
        (HALF, (0.41, 0.5, 0.59), (0.39, 0.61)),
        (Reading(0.6, 0.7, 0.05), (0.56, 0.65, 0.74), (0.54, 0.76)),
        (Reading(1.0, None, 0.0), (1.001, 1e9), (0.999, 1.0)),  # what stays at its start has not risen
    ],
)
def test_a_reading_agrees_within_its_tolerance(reading, inside, outside):
    assert all(map(reading.agrees, inside))
    assert not any(map(reading.agrees, outside))


def test_the_median_over_seeds_is_compared_or_else_the_closed_form():
    assert Fact("a", "b", HALF, closed_form=9.0, trained=(0.5, 0.5, 9.0)).agrees is True
    assert Fact("a", "b", HALF, closed_form=9.0).agrees is False
    assert Fact("a", "b", closed_form=9.0).agrees is None
    assert Fact("a", "b", HALF).agrees is None


def fact(quantity, of, value, reading):
    return Fact(quantity, of, reading, trained=(value,))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ([], "No value was read off the paper's plot."),
        (
            [
                fact("height", "a", 0.5, near(0.5, 0.1)),
                fact("height", "b", 0.5, None),
                fact("height", "c", 0.55, near(0.5, 0.1)),
            ],
            "Height agrees with the paper's plot (tolerance 0.1) for a (0.500; paper 0.5) and c (0.550; paper 0.5).",
        ),
        (
            [fact("norm", "a", 2.0, Reading(1.0, None, 0.0)), fact("rest", "b", 2.0, near(1.0, 0.1))],
            "Norm agrees with the paper's plot for a (2.00; paper above 1). "
            "Rest does not agree with the paper's plot (tolerance 0.1) for b (2.00; paper 1).",
        ),
        (
            [fact("norm", "a", 2.0, near(1.0, 0.1)), fact("norm", "b", 1.0, near(1.0, 0.1))],
            "Norm agrees with the paper's plot (tolerance 0.1) for b (1.00; paper 1), but not for a (2.00; paper 1).",
        ),
    ],
)
def test_the_sentences(facts, sentence):
    assert agreement(facts) == sentence
