"""In words: which of a figure's numbers agree with the paper's plot, and which do not."""

from collections.abc import Sequence
from itertools import groupby

from linvariance.experiments.results import Fact, listed, number


def agreement(facts: Sequence[Fact]) -> str:
    """A sentence for each quantity of which something was read off the paper's plot.

    >>> from linvariance.experiments.results import near
    >>> right, wrong = (Fact("height", of, near(0.5, 0.1), closed_form=value) for of, value in (("a", 0.52), ("b", 1)))
    >>> agreement([right, wrong])
    "Height agrees with the paper's plot (tolerance 0.1) for a (0.520; paper 0.5), but not for b (1.00; paper 0.5)."
    >>> agreement([Fact("height", "c", trained=(0.1,))])
    "No value was read off the paper's plot."
    """
    compared = [fact for fact in facts if fact.agrees is not None]
    groups = groupby(compared, lambda fact: fact.quantity)
    sentences = [_sentence(quantity, list(group)) for quantity, group in groups]
    return " ".join(sentences) or "No value was read off the paper's plot."


def _sentence(quantity: str, facts: Sequence[Fact]) -> str:
    right, wrong = (_named([fact for fact in facts if fact.agrees is says]) for says in (True, False))
    verb = "agrees" if right else "does not agree"
    places = f"{right}, but not for {wrong}" if right and wrong else right or wrong
    return f"{quantity[0].upper()}{quantity[1:]} {verb} with the paper's plot{_tolerance(facts)} for {places}."


def _named(facts: Sequence[Fact]) -> str:
    return listed([f"{fact.of} ({number(fact.value)}; paper {fact.paper})" for fact in facts]) if facts else ""


def _tolerance(facts: Sequence[Fact]) -> str:
    tolerances = sorted({fact.paper.tolerance for fact in facts if fact.paper is not None} - {0.0})
    return f" (tolerance {listed([f'{one:g}' for one in tolerances])})" if tolerances else ""
