"""Subgroups: known counts, closure by brute force, every kind of representation."""

import itertools
import sys

import numpy as np
import pytest

import linvariance as lv
from zoo import mirror, quaternion, turn

g = lv.groups
divisors = {n: sum(n % k == 0 for k in range(1, n + 1)) for n in range(1, 31)}
sigma = {n: sum(k for k in range(1, n + 1) if n % k == 0) for n in range(1, 31)}


@pytest.mark.parametrize("n", [1, 2, 7, 12, 30])
def test_cyclic_groups_have_one_of_each_divisor(n):
    found = g.subgroups(g.cyclic(n))
    assert [H.order() for H in found] == [k for k in range(1, n + 1) if n % k == 0]


@pytest.mark.parametrize("n", range(3, 13))
def test_dihedral_groups(n):
    """τ(n) + σ(n) subgroups; classes: one a divisor, and one more of mirrors, or two where n/k is even."""
    rep = g.dihedral(n)
    divided = [k for k in range(1, n + 1) if n % k == 0]
    classes = sum(1 + (2 if k % 2 == 0 else 1) for k in divided)  # k: the index of the rotations in C_n
    assert len(g.subgroups(rep)) == classes
    assert len(g.subgroups(rep, conjugates=True)) == divisors[n] + sigma[n]


@pytest.mark.parametrize(
    ("rep", "classes", "all_of_them"),
    [
        (g.symmetric(3), 4, 6),
        (g.symmetric(4), 11, 30),
        (g.permutations([[1, 2, 0, 3], [0, 2, 3, 1]]), 5, 10),  # A4
        (g.permutations([[1, 0, 2, 3, 4, 5], [0, 1, 3, 2, 4, 5], [0, 1, 2, 3, 5, 4]]), 16, 16),  # C2³
        (g.matrices([quaternion(0, 1, 0, 0), quaternion(0, 0, 1, 0)]), 6, 6),  # Q8
        (g.matrices([turn(2 * np.pi / 5), mirror(0.3)]), 4, 8),  # D5, dense
        (g.symmetric(5), 19, 156),
    ],
    ids=["S3", "S4", "A4", "C2^3", "Q8", "D5", "S5"],
)
def test_known_counts(rep, classes, all_of_them):
    assert len(g.subgroups(rep)) == classes
    assert len(g.subgroups(rep, conjugates=True)) == all_of_them


@pytest.mark.parametrize(
    "rep",
    [
        g.image_dihedral(3),
        g.signed_permutations([[1, 0, 2], [0, 1, 2]], [[1, 1, -1], [-1, 1, 1]]),
        g.matrices([turn(np.pi / 3), mirror(0.2)]),
        g.change_of_basis(g.matrices([turn(np.pi / 3), mirror(0.2)]), [[1.0, 0.5], [0.0, 2.0]]),
    ],
    ids=["permutations", "signed", "matrices", "not orthogonal"],
)
def test_each_is_a_subgroup_and_knows_its_order(rep):
    found = g.subgroups(rep, conjugates=True)
    whole = _dense(rep)
    assert found[0].order() == 1
    assert found[-1] is rep
    for H in found:
        elements = _dense(H)
        assert len(elements) == H.order()
        assert rep.order() % H.order() == 0
        assert all(np.abs(whole - h).max(axis=(1, 2)).min() < 1e-12 for h in elements)
        np.testing.assert_allclose(
            H.invariant_basis().T @ H.invariant_basis() @ rep.project(np.eye(rep.dim)).T,
            rep.project(np.eye(rep.dim)).T,
            atol=1e-12,
        )  # less symmetry, more invariants
    assert len({frozenset(map(bytes, (_dense(H) + 0.0).round(6))) for H in found}) == len(found)


def test_by_brute_force():
    """Every subset of the six elements of S3 that is closed."""
    elements = [tuple(p) for p in g.symmetric(3).elements()]
    closed = [
        set(chosen)
        for k in range(1, 7)
        for chosen in itertools.combinations(elements, k)
        if all(tuple(p[i] for i in q) in chosen for p in chosen for q in chosen)
    ]
    found = [{tuple(p) for p in H.elements()} for H in g.subgroups(g.symmetric(3), conjugates=True)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, closed))


def test_names():
    assert [repr(H) for H in g.subgroups(g.cyclic(4))] == [
        "subgroup 0 of cyclic(4), order 1",
        "subgroup 1 of cyclic(4), order 2",
        "cyclic(4)",
    ]


def test_too_many(monkeypatch):
    with pytest.raises(ValueError, match="rep has more than 200 elements"):
        g.subgroups(g.symmetric(6))
    with pytest.raises(ValueError, match="rep has more than 200 elements"):
        g.subgroups(g.lie([[[0.0, -1.0], [1.0, 0.0]]]))
    monkeypatch.setattr(sys.modules["linvariance.groups.subgroups"], "CLASSES", 15)
    with pytest.raises(ValueError, match="more than 15 classes"):
        g.subgroups(g.signed_permutations([range(3)] * 3, 1 - 2 * np.eye(3, dtype=int)))


def _dense(rep):
    return np.stack([rep.multiply(np.eye(rep.dim), h) for h in rep.elements()])
