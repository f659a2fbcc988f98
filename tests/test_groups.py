"""Representations by permutations against brute-force enumeration; the named groups; orders; identity as objects."""

import contextlib
import copy
import itertools
import math
import pickle

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given

import linvariance as lv
import methods
import oracles
import strategies
from tolerances import bounded, close


def dense(a):
    return a.toarray() if scipy.sparse.issparse(a) else np.asarray(a)


def as_matrix(element):
    """An element as a dense matrix, whether it comes as an index array or as a matrix."""
    element = dense(element)
    return oracles.permutation_matrix(element) if element.ndim == 1 else element


def as_set(elements):
    return {as_matrix(e).astype(int).tobytes() for e in elements}


# ------------------------------------------------------------------------------------------------ against enumeration


@given(strategies.groups())
def test_defect_and_penalty(group):
    rep = methods.representation(group)
    G = dense(rep.defect)
    assert rep.dim == group.dim
    # The generators given may be stored without repetitions or identities: the same columns, those apart.
    columns = {c.tobytes() for c in group.defect.T if c.any()}
    assert {c.tobytes() for c in G.T if c.any()} == columns
    assert G.shape == (group.dim, len(rep.generators) * group.dim)
    np.testing.assert_array_equal(dense(rep.penalty_matrix()), G @ G.T)


def test_the_convention_of_generators():
    """(rho x)[p[i]] = x[i]"""
    p = [2, 0, 1, 3]
    rep = lv.groups.permutations([p])
    x = np.array([10.0, 20.0, 30.0, 40.0])
    moved = np.empty(4)
    moved[p] = x
    rho = np.eye(4) - dense(rep.defect)
    np.testing.assert_array_equal(rho @ x, moved)
    np.testing.assert_array_equal(rho, oracles.permutation_matrix(p))
    assert as_set(rep.elements()) == as_set(oracles.matrices(oracles.enumerate_group([p])))


@given(strategies.groups())
def test_elements_and_order(group):
    rep = methods.representation(group)
    assert rep.order() == len(group.permutations)
    elements = list(rep.elements())
    assert len(elements) == len(group.permutations)
    assert as_set(elements) == as_set(group.elements)


@given(strategies.groups())
def test_invariant_basis(group):
    rep = methods.representation(group)
    B, expected = dense(rep.invariant_basis()), oracles.invariant_basis(group.elements)
    assert B.shape == expected.shape
    close("B Bᵀ = I", B @ B.T, np.eye(len(B)), norms=1, dims=group.dim)
    close("BᵀB = Π", B.T @ B, expected.T @ expected, norms=1, dims=group.dim)
    bounded("B G = 0", float(np.linalg.norm(B @ group.defect)), norms=1, dims=group.dim)


@given(strategies.groups(), strategies.seeds)
def test_project_is_the_reynolds_operator(group, seed):
    rep, W = methods.representation(group), np.random.default_rng(seed).standard_normal((2, 3, group.dim))
    once = rep.project(W)
    close("W Π", once, W @ oracles.reynolds(group.elements), norms=np.linalg.norm(W), dims=group.dim)
    close("projecting twice = once", rep.project(once), once, norms=np.linalg.norm(W), dims=group.dim)
    np.testing.assert_array_equal(rep.project(W[0, 0]), once[0, 0])
    for rho in group.elements[:3]:
        close("W Π ρ = W Π", once @ rho, once, norms=np.linalg.norm(W), dims=group.dim)


@given(strategies.groups(), strategies.seeds)
def test_average_moment(group, seed):
    rep, A = methods.representation(group), np.random.default_rng(seed).standard_normal((group.dim, group.dim))
    S = A @ A.T
    mean = rep.average_moment(S)
    norms = np.linalg.norm(S)
    close("S̄", mean, oracles.averaged_moment(S, group.elements), norms=norms, dims=group.dim)
    close("averaging twice = once", rep.average_moment(mean), mean, norms=norms, dims=group.dim)
    close("S̄ = S̄ᵀ", mean, mean.T, norms=norms, dims=group.dim)
    bounded("tr S̄ = tr S", abs(np.trace(mean) - np.trace(S)), norms=norms, dims=group.dim)
    for rho in group.elements[:3]:
        close("ρ S̄ ρᵀ = S̄", rho @ mean @ rho.T, mean, norms=norms, dims=group.dim)
    bounded("S̄ >= 0", max(0.0, -np.linalg.eigvalsh(mean)[0]), norms=norms, dims=group.dim)


@given(strategies.groups())
def test_the_generator_free_penalty(group):
    """(1/|G|) sum_g ‖W(I - ρ(g))‖² = 2‖W(I - Π)‖²."""
    W = np.random.default_rng(group.dim).standard_normal((2, group.dim))
    literal = np.mean([np.sum((W - W @ rho) ** 2) for rho in group.elements])
    perp = W - methods.representation(group).project(W)
    bounded("generator-free penalty", abs(literal - 2 * np.sum(perp**2)), norms=np.sum(W**2), dims=group.dim)


# ------------------------------------------------------------------------------------------------------ named groups


def images(n, h=None):
    return np.eye(n * (h or n)).reshape(-1, h or n, n)


def matrix_of(act, unit_images):
    """The matrix of a linear map on images, from its values on the unit images (rows of unit_images)."""
    return np.stack([act(e).ravel() for e in unit_images], axis=1)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_image_rotations_are_rot90(n):
    rep = lv.groups.image_rotations(n)
    expected = [matrix_of(lambda image, k=k: np.rot90(image, k), images(n)) for k in range(4)]
    assert as_set(rep.elements()) == as_set(expected)
    assert rep.order() == (4 if n > 1 else 1)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_image_dihedral_adds_the_mirror(n):
    rep = lv.groups.image_dihedral(n)
    expected = [
        matrix_of(lambda image, k=k, f=f: np.rot90(np.fliplr(image) if f else image, k), images(n))
        for k in range(4)
        for f in (0, 1)
    ]
    assert as_set(rep.elements()) == as_set(expected)
    assert rep.order() == (8 if n > 1 else 1)


@pytest.mark.parametrize(("h", "w"), [(1, 1), (1, 4), (2, 3), (3, 3), (4, 2)])
def test_image_translations_are_rolls(h, w):
    rep = lv.groups.image_translations(h, w)
    expected = [
        matrix_of(lambda image, i=i, j=j: np.roll(image, (i, j), (0, 1)), images(w, h))
        for i in range(h)
        for j in range(w)
    ]
    assert as_set(rep.elements()) == as_set(expected)
    assert rep.order() == h * w


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
def test_cyclic_dihedral_symmetric_trivial(n):
    rolls = [np.roll(np.eye(n), k, axis=0) for k in range(n)]
    assert as_set(lv.groups.cyclic(n).elements()) == as_set(rolls)
    assert as_set(lv.groups.dihedral(n).elements()) == as_set(rolls + [r[:, ::-1] for r in rolls])
    assert as_set(lv.groups.trivial(n).elements()) == as_set([np.eye(n)])
    every = [oracles.permutation_matrix(p) for p in itertools.permutations(range(n))]
    assert as_set(lv.groups.symmetric(n).elements()) == as_set(every)


def test_orders_are_exact_integers():
    assert lv.groups.symmetric(196).order() == math.factorial(196)
    assert lv.groups.cyclic(10**4).order() == 10**4
    assert lv.groups.dihedral(50).order() == 100
    assert lv.groups.trivial(196).order() == 1
    assert lv.groups.image_rotations(14).order() == 4
    assert lv.groups.image_dihedral(14).order() == 8
    assert lv.groups.image_translations(28, 28).order() == 784
    assert all(isinstance(rep.order(), int) for rep in (lv.groups.symmetric(196), lv.groups.image_rotations(2)))


@pytest.mark.parametrize("name", ["cyclic", "dihedral", "symmetric", "trivial", "image_rotations", "image_dihedral"])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_named_orders_count_the_distinct_matrices(name, n):
    """Also in the small cases where the action is not faithful."""
    rep = getattr(lv.groups, name)(n)
    assert rep.order() == len(as_set(rep.elements())) == len(list(rep.elements()))


def test_the_symmetric_group_needs_no_enumeration():
    rep = lv.groups.symmetric(196)
    rng = np.random.default_rng(0)
    S = rng.standard_normal((196, 196))
    S = S + S.T
    diagonal, off = np.trace(S) / 196, (S.sum() - np.trace(S)) / (196 * 195)
    expected = np.full((196, 196), off) + (diagonal - off) * np.eye(196)
    close("S̄ of S_196", rep.average_moment(S), expected, norms=np.linalg.norm(S), dims=196)
    assert rep.invariant_basis().shape == (1, 196)


def test_enumeration_above_the_cap_is_refused_in_a_sentence():
    own = lv.groups.permutations([[*range(1, 12), 0], [1, 0, *range(2, 12)]])  # S_12
    with pytest.raises(ValueError, match=r"10[_,]?000"):
        own.elements()
    with pytest.raises(ValueError, match="50"):
        lv.groups.symmetric(5).elements(limit=50)
    assert own.order() == math.factorial(12)  # by sympy
    assert len(list(lv.groups.symmetric(5).elements(limit=120))) == 120


def test_paper_example_of_fourteen():
    """49 invariants of 196 pixels; pixels 45, 52, 143, 150 are one orbit."""
    rep = lv.groups.image_rotations(14)
    B = dense(rep.invariant_basis())
    assert B.shape == (49, 196)
    row = B[np.flatnonzero(B[:, 45])[0]]
    assert np.flatnonzero(row).tolist() == [45, 52, 143, 150]
    np.testing.assert_allclose(np.abs(row[[45, 52, 143, 150]]), 0.5)


# ----------------------------------------------------------------------------------------------- identity as objects


@given(strategies.groups())
def test_copies_pickles_and_hashes(group):
    rep = methods.representation(group)
    assert copy.copy(rep) is rep
    assert copy.deepcopy(rep) is rep
    back = pickle.loads(pickle.dumps(rep))
    assert back == rep
    assert hash(back) == hash(rep)
    assert {rep: 1}[back] == 1
    assert methods.representation(group) == rep
    assert rep.order() == back.order()


def test_different_groups_differ():
    assert lv.groups.cyclic(4) != lv.groups.cyclic(5)
    assert lv.groups.cyclic(4) != lv.groups.trivial(4)
    assert lv.groups.cyclic(4) != "cyclic"


@pytest.mark.parametrize("make", [lambda: lv.groups.symmetric(196), lambda: lv.groups.image_translations(7, 9)])
def test_named_groups_keep_their_order_through_pickle(make):
    rep = make()
    assert pickle.loads(pickle.dumps(rep)).order() == rep.order()


def test_a_representation_cannot_be_altered():
    p = np.array([1, 2, 0])
    rep = lv.groups.permutations([p])
    before = hash(rep)
    p[:] = [0, 1, 2]
    assert hash(rep) == before
    assert rep.order() == 3
    with pytest.raises((ValueError, TypeError)):
        rep.generators[0][...] = 0
    with pytest.raises((AttributeError, TypeError)):
        rep.dim = 7
    B = rep.invariant_basis()
    with contextlib.suppress(ValueError):  # read-only is as good
        B[...] = 7.0
    with contextlib.suppress(ValueError):
        rep.defect.data[...] = 7.0
    np.testing.assert_array_equal(dense(rep.defect), oracles.defect([[1, 2, 0]]))
    np.testing.assert_allclose(np.abs(rep.invariant_basis()), 3**-0.5)


def test_permutation_representations_are_orthogonal():
    assert lv.groups.symmetric(4).is_orthogonal is True
    assert "4" in repr(lv.groups.symmetric(4))
