"""The knapsack of multiplets against enumeration in exact fractions, also where gains differ by many orders."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linvariance.objectives.multiplets import Multiplet, choose, cut

NOISE = 1e-15


def items(*pairs):
    """Of (dimension, σ), largest first."""
    ordered = sorted(pairs, key=lambda pair: -pair[1])
    return [Multiplet(float(s), np.zeros((1, d)), np.zeros((d, 1))) for d, s in ordered]


def gain(found, taken, shift=0):
    """Exactly, with every σ taken shifted by so many units of noise."""
    return sum(k * (Fraction(i.value) + shift * Fraction(NOISE)) ** 2 for k, i in zip(taken, found, strict=True))


def feasible(found, rank):
    for mask in itertools.product((0, 1), repeat=len(found)):
        taken = tuple(k * item.dimension for k, item in zip(mask, found, strict=True))
        if sum(taken) <= rank:
            yield taken


# σ from a few levels many orders apart, exactly equal, a rounding apart, or apart by what can be told.
LEVELS = st.sampled_from([1.0, 1e-3, 1e-6, 1e-9, 1e-12])
OFFSETS = st.sampled_from([1.0, 1.0, 1 + 2e-16, 1 - 2e-16, 1.5, 2.0, 2**0.5, 0.7])
PAIRS = st.tuples(st.integers(1, 4), st.builds(lambda a, b: a * b, LEVELS, OFFSETS))


@given(st.lists(PAIRS, max_size=7), st.integers(1, 16))
def test_the_choice_is_the_best_of_all_exactly(pairs, rank):
    found = items(*pairs)
    choice = choose(found, rank, NOISE)
    best = max(gain(found, taken) for taken in feasible(found, rank))
    assert sum(choice.taken) <= rank
    assert all(k in (0, item.dimension) for k, item in zip(choice.taken, found, strict=True))
    assert gain(found, choice.taken) == best

    def doubt(taken):
        """Another choice less this one, when σ is off by the noise in its favour, wherever the two differ."""
        mine = [max(k - j, 0) for k, j in zip(choice.taken, taken, strict=True)]
        other = [max(j - k, 0) for k, j in zip(choice.taken, taken, strict=True)]
        return gain(found, other, 1) - gain(found, mine, -1)

    rivals = [taken for taken in feasible(found, rank) if taken != choice.taken]
    assert choice.unique is all(doubt(taken) < 0 for taken in rivals)


@given(st.lists(PAIRS, max_size=7), st.integers(1, 16))
def test_the_shortfall_is_what_cutting_would_take_away(pairs, rank):
    found = items(*pairs)
    free, whole = cut(found, rank, NOISE), choose(found, rank, NOISE)
    sigma = [i.value for i in found for _ in range(i.dimension)]
    assert sum(free.taken) == min(rank, len(sigma))
    assert free.unique is (rank >= len(sigma) or sigma[rank - 1] - sigma[rank] > NOISE)
    exact = sum(Fraction(s) ** 2 for s in sigma[:rank]) - gain(found, whole.taken)
    assert exact >= 0
    assert free.shortfall == 0
    if whole.shortfall:
        assert whole.shortfall == pytest.approx(float(exact), rel=1e-15)
        assert any(0 < k < i.dimension for k, i in zip(free.taken, found, strict=True)) or whole.taken != free.taken
    else:
        assert exact <= 2 * NOISE * sum(Fraction(s) + Fraction(NOISE) for s in sigma[: 2 * rank + 8])
    if all(k in (0, i.dimension) for k, i in zip(free.taken, found, strict=True)):
        assert exact == whole.shortfall == 0


def test_small_multiplets_are_chosen_by_their_own_scale():
    """Gains of 1e-18 beside one of 1: the larger small one, and a tie among small ones is a tie."""
    large = (2, 1.0)
    assert choose(items(large, (2, 2e-9), (2, 1e-9)), 4, NOISE).taken == (2, 2, 0)
    assert choose(items(large, (2, 2e-9), (2, 1e-9)), 4, NOISE).unique
    assert not choose(items(large, (2, 1e-9), (2, 1e-9)), 4, NOISE).unique
    assert not choose(items(large, (2, 1e-9), (1, 1e-9), (1, 1e-9)), 4, NOISE).unique
    assert choose(items(large, (2, 1e-9), (2, 1e-9)), 6, NOISE).unique
    assert choose(items((2, 1e-170), (2, 1e-180)), 2, 1e-190).taken == (2, 0)


def test_no_items():
    assert choose([], 3, NOISE).taken == cut([], 3, NOISE).taken == ()
    assert choose([], 3, NOISE).unique
    assert choose(items((4, 1.0)), 3, NOISE).taken == (0,)
    assert choose(items((4, 1.0)), 3, NOISE).shortfall == 3.0


def test_many_items_take_no_time(rng):
    """147 multiplets, as of digits under rotations: against the greedy choice where all have one dimension."""
    found = items(*((1, s) for s in rng.uniform(1e-8, 1, 147)))
    assert choose(found, 60, NOISE).taken == (1,) * 60 + (0,) * 87
