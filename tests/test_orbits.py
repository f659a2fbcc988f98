"""The C++ orbits, orbitals and averages against brute-force enumeration."""

import numpy as np
import pytest
from hypothesis import given

import oracles
import strategies
from linvariance import _core
from tolerances import close


def same_partition(labels, expected):
    """Equal up to names."""
    pairs = set(zip(np.ravel(labels).tolist(), np.ravel(expected).tolist(), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@given(strategies.groups())
def test_orbits(group):
    labels, _, count = _core.orbits(np.array(group.generators, dtype=np.int64))
    assert same_partition(labels, oracles.orbits(group.permutations, group.dim))
    assert sorted(set(labels.tolist())) == list(range(count))
    assert np.all(np.diff([labels.tolist().index(k) for k in range(count)]) > 0)  # in order of first members


@given(strategies.groups())
def test_orbitals(group):
    images = np.array(group.generators, dtype=np.int64)
    labels, signs, count = _core.orbitals(images, None, images, None)
    assert labels.shape == (group.dim**2,)
    assert signs is None
    assert same_partition(labels, oracles.orbitals(group.permutations, group.dim))
    assert sorted(set(np.ravel(labels).tolist())) == list(range(count))
    # Burnside: the number of orbitals is the mean number of fixed pairs.
    fixed = [sum(p[i] == i for i in range(group.dim)) ** 2 for p in group.permutations]
    assert count * len(group.permutations) == sum(fixed)


@given(strategies.groups(), strategies.seeds)
def test_average_over_classes(group, seed):
    labels, _, count = _core.orbits(np.array(group.generators, dtype=np.int64))
    values = np.random.default_rng(seed).standard_normal((3, group.dim))
    close(
        "C++ average over orbits",
        _core.average(values, labels, count),
        values @ oracles.reynolds(group.elements),
        norms=np.linalg.norm(values),
        dims=group.dim,
    )


def test_averages_of_constants_are_exact():
    labels, _, count = _core.orbits(np.array([[1, 2, 3, 4, 0]], dtype=np.int64))
    np.testing.assert_array_equal(_core.average(np.full((2, 5), 0.1), labels, count), np.full((2, 5), 0.1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: _core.orbits(np.array([[0, 5]], dtype=np.int64)),
        lambda: _core.orbits(np.array([[0, -1]], dtype=np.int64)),
        lambda: _core.orbitals(np.array([[2, 0]], dtype=np.int64)),
        lambda: _core.orbits(np.array([0, 1], dtype=np.int64)),
        lambda: _core.orbits(np.array([[0.0, 1.0]])),
        lambda: _core.average(np.ones((1, 2)), np.array([0, 3], dtype=np.int32), 2),
        lambda: _core.average(np.ones((1, 2)), np.array([0], dtype=np.int32), 1),
        lambda: _core.average(np.ones((1, 2)) + 0j, np.array([0, 0], dtype=np.int32), 1),
    ],
)
def test_the_core_guards_its_memory(call):
    with pytest.raises((ValueError, TypeError)):
        call()
