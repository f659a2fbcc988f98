"""What docs/reproduction.md says of its table of invariance errors is what the table shows."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reproduction.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+, \d+)? ?\| (leaky ReLU|ReLU|swish|tanh) \|(.*)\|$", flags=re.MULTILINE)
DIGITS, NOISE = 2, 3
ACTIVATIONS = ("leaky ReLU", "ReLU", "swish", "tanh")
COLUMNS = list(itertools.product(ACTIVATIONS, (DIGITS, NOISE)))


BARS = {  # Figure 11, from the vector graphics of PMLR 325: MNIST, then Gaussian inputs, in the order of ACTIVATIONS
    (1000, 7): ((1.04, 1.01, 0.93, 0.01), (1.84, 1.99, 0.53, 0.13)),
    (1000, 15): ((14.21, 20.58, 12.5, 13.62), (12.09, 29.31, 10.12, 21.12)),
    (5000, 7): ((0.03, 0.0, 0.06, 0.55), (0.42, 0.77, 0.06, 1.03)),
    (5000, 15): ((1.14, 0.99, 3.11, 7.29), (3.1, 3.51, 4.55, 8.53)),
}
READABLE = 0.06


def table():
    """(digits, hidden, activation) -> median, least and greatest of both losses and of both errors."""
    found, block = {}, ""
    for block_of, activation, cells in ROW.findall(PAGE):
        block = block_of or block
        size, hidden = map(int, block.split(", "))
        found[size, hidden, activation] = np.array(
            [[float(x) for x in re.findall(r"\d*\.?\d+", cell)] for cell in cells.split("|")]
        )
    return found


TABLE = table()


def ratios(above, below):
    """Of the medians."""
    return above[0] / below[0]


def apart(above, below):
    """Whether all seeds of the one are above all of the other."""
    return above[1] > below[2]


def test_there_are_sixteen_rows_of_ranges():
    assert len(TABLE) == 16
    for row in TABLE.values():
        assert row.shape == (4, 3)
        assert (row[:, 1] <= row[:, 0]).all()
        assert (row[:, 0] <= row[:, 2]).all()


@pytest.mark.parametrize(("column", "least", "greatest"), [(DIGITS, 70, 915), (NOISE, 4.5, 33)])
def test_the_bottleneck_makes_every_error_smaller(column, least, greatest):
    pairs = [
        (TABLE[size, 15, name][column], TABLE[size, 7, name][column]) for size in (1000, 5000) for name in ACTIVATIONS
    ]
    assert all(itertools.starmap(apart, pairs))
    assert all(least < ratio < greatest for ratio in itertools.starmap(ratios, pairs))


def test_more_data_make_eleven_of_sixteen_medians_smaller_and_no_range():
    pairs = [
        (TABLE[1000, hidden, name][column], TABLE[5000, hidden, name][column])
        for hidden in (7, 15)
        for name, column in COLUMNS
    ]
    assert sum(ratio > 1 for ratio in itertools.starmap(ratios, pairs)) == 11
    wide = [ratios(TABLE[5000, 15, name][DIGITS], TABLE[1000, 15, name][DIGITS]) for name in ACTIVATIONS]
    assert (round(min(wide), 1), round(max(wide), 1)) == (0.7, 1.7)
    assert not any(apart(*pair) or apart(*pair[::-1]) for pair in pairs)
    assert all(TABLE[1000, 7, name][DIGITS][0] > TABLE[5000, 7, name][DIGITS][0] for name in ACTIVATIONS)


@pytest.mark.parametrize(("hidden", "separate", "least", "greatest"), [(15, 0, 1.0, 3.9), (7, 5, 7, 250)])
def test_noise_against_digits(hidden, separate, least, greatest):
    pairs = [
        (TABLE[size, hidden, name][NOISE], TABLE[size, hidden, name][DIGITS])
        for size in (1000, 5000)
        for name in ACTIVATIONS
    ]
    assert sum(itertools.starmap(apart, pairs)) == separate
    assert all(least < ratio < greatest for ratio in itertools.starmap(ratios, pairs))


@pytest.mark.parametrize(("hidden", "least", "greatest"), [(7, -0.001, 0.1), (15, 0.1, 0.26)])
def test_losses_of_augmented_networks(hidden, least, greatest):
    for size, name in itertools.product((1000, 5000), ACTIVATIONS):
        hard, augmented = TABLE[size, hidden, name][:2, 0]
        assert least < 1 - augmented / hard < greatest


def test_the_papers_bars():
    """Smaller with the bottleneck in all, with more data in 14 of 16 pairs; noise at most 4 times as high."""
    few, many = (np.array([BARS[size, 7], BARS[size, 15]]) for size in (1000, 5000))  # (hidden, inputs, activation)
    for bars in (few, many):
        assert (bars[0] < bars[1]).all()
        digits, noise = np.where(bars < READABLE, np.nan, bars).swapaxes(0, 1)
        assert np.nanmax(noise[0] / digits[0]) < 2
        assert np.nanmax(noise[1] / digits[1]) < 4
    assert np.argwhere(many >= few).tolist() == [[0, 0, 3], [0, 1, 3]]
    fall = many[1, 0] / few[1, 0]
    assert (round(fall.min(), 2), round(fall.max(), 2)) == (0.05, 0.54)
