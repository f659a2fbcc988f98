"""In words: which of a figure's curves agree with the paper's, and which do not."""

from collections.abc import Sequence
from itertools import groupby

from linvariance.experiments.comparison import Comparison, Gap
from linvariance.experiments.results import Fact, listed

FEW = 5  # names of curves that a sentence can hold


def agreement(facts: Sequence[Fact]) -> str:
    """A sentence for each quantity that the paper's figure shows too.

    >>> right = Comparison(0.5, Gap(0.02, 0.05), Gap(0.04, 0.1), 60.0)
    >>> wrong = Comparison(0.5, Gap(0.03, 0.05), Gap(0.2, 0.1), 60.0)
    >>> agreement([Fact("height", "a", right), Fact("height", "b", wrong)])
    'Height agrees with the paper for a, but not for b (off by 0.03, tolerance 0.05; along the curve 0.2, tolerance
    0.1).'
    >>> agreement([Fact("height", "c", trained=(0.1,))])
    'There is nothing of the paper to compare with.'
    """
    compared = [fact for fact in facts if fact.paper is not None]
    groups = groupby(compared, lambda fact: fact.quantity)
    sentences = [_sentence(quantity, list(group)) for quantity, group in groups]
    return " ".join(sentences) or "There is nothing of the paper to compare with."


def _sentence(quantity: str, facts: Sequence[Fact]) -> str:
    right, wrong = ([fact for fact in facts if fact.agrees is says] for says in (True, False))
    verb = "agrees" if right else "does not agree"
    agreeing = listed([fact.of for fact in right]) if 0 < len(right) <= FEW else f"{len(right)} of {len(facts)}"
    others = listed([f"{fact.of} ({_gaps(fact.paper)})" for fact in wrong if fact.paper]) if wrong else ""
    places = f"{agreeing}, but not for {others}" if right and wrong else others or agreeing
    return f"{quantity[0].upper()}{quantity[1:]} {verb} with the paper for {places}."


def _gaps(comparison: Comparison) -> str:
    if comparison.is_factor:
        return f"off by a factor {_words(comparison.here)}"
    return f"off by {_words(comparison.here)}; along the curve {_words(comparison.largest)}"


def _words(gap: Gap) -> str:
    return f"{gap.distance:.2g}, tolerance {gap.tolerance:.2g}"
