"""The isotypic decomposition: known multiplicities and types, block-diagonal averages, aligned copies, energies."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given

import linvariance as lv
import methods
import strategies
import zoo
from linvariance.groups import isotypic
from linvariance.groups.division import LEFT
from tolerances import bounded, close, remember

ALGEBRA = {"real": 1, "complex": 2, "quaternionic": 4}
ORTHOGONAL = {name: entry for name, entry in zoo.ZOO.items() if entry.T is None}
EVERY = pytest.mark.parametrize("entry", ORTHOGONAL.values(), ids=ORTHOGONAL)
g = lv.groups


def parts(rep, seed=0):
    return sorted((c.multiplicity, c.dimension, c.type) for c in isotypic(rep, seed).components)


# ------------------------------------------------------------------------------------------------- known answers


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 25])
def test_cyclic(n):
    real, turns = (1 if n % 2 else 2) if n > 1 else 1, (n - 1) // 2
    assert parts(g.cyclic(n)) == sorted([(1, 1, "real")] * real + [(1, 2, "complex")] * turns)


@pytest.mark.parametrize("n", [3, 4, 5, 8, 11])
def test_dihedral(n):
    """On the vertices of an n-gon: every part of dimension 2 is real, for even n there is an alternating one."""
    assert parts(g.dihedral(n)) == sorted(
        [(1, 1, "real")] * (2 if n % 2 == 0 else 1) + [(1, 2, "real")] * ((n - 1) // 2)
    )


@pytest.mark.parametrize("n", [2, 3, 4, 5, 12])
def test_symmetric_on_points(n):
    assert parts(g.symmetric(n)) == sorted([(1, 1, "real"), (1, n - 1, "real")])
    assert isotypic(g.symmetric(n)).commutant_dimension == 2


@pytest.mark.parametrize("n", [4, 5, 6])
def test_symmetric_on_graphs(n):
    """2 trivial, 3 standard, one (n-2, 2) and one (n-2, 1, 1): 4 + 9 + 1 + 1 = 15."""
    expected = [(2, 1, "real"), (3, n - 1, "real"), (1, n * (n - 3) // 2, "real"), (1, (n - 1) * (n - 2) // 2, "real")]
    assert parts(g.adjacency(n)) == sorted(expected)
    assert isotypic(g.adjacency(n)).commutant_dimension == g.adjacency(n).number_of_orbitals() == 15


KNOWN = {
    "Q8": (lambda: g.matrices(zoo.Q8), [(1, 4, "quaternionic")]),
    "Q8 three times": (lambda: g.matrices(zoo.conjugated(zoo.block(*[zoo.Q8] * 3))), [(3, 4, "quaternionic")]),
    "Q8 on itself": (lambda: g.permutations(q8_regular()), [(1, 1, "real")] * 4 + [(1, 4, "quaternionic")]),
    "binary tetrahedral": (lambda: g.matrices(zoo.BINARY_TETRAHEDRAL), [(1, 4, "quaternionic")]),
    "C3 turn": (lambda: g.matrices([zoo.turn(2 * np.pi / 3)]), [(1, 2, "complex")]),
    "C3 turn and its inverse": (
        lambda: g.matrices([scipy.linalg.block_diag(zoo.turn(2 * np.pi / 3), zoo.turn(-2 * np.pi / 3))]),
        [(2, 2, "complex")],
    ),
    "C3 turn four times": (
        lambda: g.matrices(zoo.conjugated([np.kron(np.eye(4), zoo.turn(2 * np.pi / 3))])),
        [(4, 2, "complex")],
    ),
    "octahedral on space": (lambda: g.matrices(zoo.OCTAHEDRAL), [(1, 3, "real")]),
    "octahedral on five copies": (lambda: g.channels(g.matrices(zoo.OCTAHEDRAL), 5), [(5, 3, "real")]),
    "icosahedral": (lambda: g.matrices(zoo.ICOSAHEDRAL), [(1, 3, "real")]),
    "hyperoctahedral": (lambda: g.hypercube(4), [(1, 4, "real")]),
    "S3 on itself": (
        lambda: g.permutations([[1, 2, 0, 4, 5, 3], [3, 5, 4, 0, 2, 1]]),
        [(1, 1, "real"), (1, 1, "real"), (2, 2, "real")],
    ),
    "trivial": (lambda: g.trivial(4), [(4, 1, "real")]),
    "one dimension": (lambda: g.trivial(1), [(1, 1, "real")]),
    "minus one": (lambda: g.matrices(-np.eye(3)), [(3, 1, "real")]),
    "SO(3)": (lambda: g.rotations(3), [(1, 3, "real")]),
    "SO(2)": (lambda: g.rotations(2), [(1, 2, "complex")]),
    "SO(3) x SO(3)": (
        lambda: g.tensor_product(g.rotations(3), g.rotations(3)),
        [(1, 1, "real"), (1, 3, "real"), (1, 5, "real")],
    ),
    "clouds of four": (lambda: g.point_cloud(4), [(1, 3, "real"), (1, 9, "real")]),
    "irrational turn": (lambda: g.matrices([zoo.turn(np.sqrt(2))]), [(1, 2, "complex")]),
    "unit quaternions": (
        lambda: g.lie([zoo.quaternion(0, 1, 0, 0), zoo.quaternion(0, 0, 1, 0)]),
        [(1, 4, "quaternionic")],
    ),
    "colour images": (
        lambda: g.channels(g.image_rotations(4), 3),
        [(12, 1, "real"), (12, 1, "real"), (12, 2, "complex")],
    ),
}


def q8_regular():
    """Q8 on its own eight elements, from the 4 x 4 matrices."""
    elements = zoo.enumerate_matrices(zoo.Q8)
    return [[int(np.abs(elements - q @ e).max(axis=(1, 2)).argmin()) for e in elements] for q in zoo.Q8]


@pytest.mark.parametrize("name", KNOWN)
def test_known_types(name):
    build, expected = KNOWN[name]
    for seed in (0, 1, 2):
        assert parts(build(), seed) == sorted(expected)


def test_translations_of_images():
    """Z_28 x Z_28: 4 real characters and 390 pairs of complex ones, each once."""
    found = isotypic(g.image_translations(28, 28))
    assert sorted((c.multiplicity, c.dimension, c.type) for c in found.components) == sorted(
        [(1, 1, "real")] * 4 + [(1, 2, "complex")] * 390
    )
    assert found.commutant_dimension == 784
    assert found.residual < 30
    remember("isotypic: residual", found.residual)


def test_digits():
    """C4 on 14 x 14 pixels: 49 copies of each character."""
    assert parts(g.image_rotations(14)) == sorted([(49, 1, "real")] * 2 + [(49, 2, "complex")])


# ------------------------------------------------------------------------------------------------------------ laws


def check(rep, found, generators, mean_characters=None):
    Q, d = found.basis, rep.dim
    assert Q.shape == (d, d)
    remember("isotypic: residual", found.residual)
    assert found.residual < 30
    close("isotypic: Q is orthogonal", Q @ Q.T, np.eye(d), norms=1, dims=d)
    start = 0
    for c in found.components:
        assert c.basis.shape == (c.multiplicity * c.dimension, d)
        assert c.type in ALGEBRA
        blocks = c.basis.reshape(c.multiplicity, c.dimension, d)
        for rho in generators:
            one = blocks[0] @ rho @ blocks[0].T
            acts = c.basis @ rho @ c.basis.T
            close(
                "isotypic: all copies act alike", acts, np.kron(np.eye(c.multiplicity), one), norms=np.sqrt(d), dims=d
            )
            # Endomorphisms are left multiplications, so that the group's elements commute with those.
            for unit in LEFT[ALGEBRA[c.type]]:
                wide = np.kron(np.eye(c.dimension // len(unit)), unit)
                close("isotypic: coordinates are numbers", one @ wide, wide @ one, norms=np.sqrt(d), dims=d)
        start += len(c.basis)
    assert start == d


@EVERY
def test_laws(entry, rng):
    rep, found = entry.rep, isotypic(entry.rep)
    check(rep, found, entry.generators)
    characters = np.trace(entry.elements, axis1=1, axis2=2)
    assert found.commutant_dimension == round(np.square(characters).mean())
    S = rng.standard_normal((entry.dim, entry.dim))
    mean = np.mean([r @ S @ r.T for r in entry.elements], axis=0)
    inside = scipy.linalg.block_diag(*(np.ones((len(c.basis),) * 2) for c in found.components))
    off = np.where(inside, 0, found.basis @ mean @ found.basis.T)
    bounded("isotypic: S̄ is block-diagonal", np.linalg.norm(off), norms=np.linalg.norm(S), dims=entry.dim, condition=10)
    for c in found.components:
        if c.type != "real":
            continue
        block = c.basis @ mean @ c.basis.T
        M = block.reshape(c.multiplicity, c.dimension, c.multiplicity, c.dimension).trace(axis1=1, axis2=3)
        close(
            "isotypic: S̄ = M ⊗ 1",
            block,
            np.kron(M / c.dimension, np.eye(c.dimension)),
            norms=np.linalg.norm(S),
            dims=entry.dim,
        )


@EVERY
def test_characters_tell_the_components_apart(entry):
    """Of the parts' characters: ⟨χ, χ⟩ is 1, 2 or 4 by type; different parts are orthogonal."""
    found = isotypic(entry.rep).components
    chi = [np.einsum("ij,gjk,ik->g", c.basis, entry.elements, c.basis) / c.multiplicity for c in found]
    for (c, x), (e, y) in itertools.product(zip(found, chi, strict=True), repeat=2):
        assert np.mean(x * y) == pytest.approx(ALGEBRA[c.type] if c is e else 0, abs=1e-9)


@given(strategies.groups(), strategies.seeds)
def test_laws_of_drawn_permutations(group, seed):
    rep = methods.representation(group)
    found = isotypic(rep, seed)
    check(rep, found, rep.matrices())
    assert found.commutant_dimension == rep.number_of_orbitals()
    assert sum(c.multiplicity for c in found.components if c.dimension == 1) >= len(rep.invariant_basis())
    W = np.random.default_rng(seed).standard_normal((3, 2, rep.dim))
    energies = found.energies(W)
    assert energies.shape == (3, len(found.components))
    close("isotypic: energies", energies.sum(-1), np.square(W).sum((-2, -1)), norms=np.sum(W**2), dims=rep.dim)
    for k, c in enumerate(found.components):
        close(
            "isotypic: one energy",
            energies[:, k],
            np.square(W @ c.basis.T).sum((-2, -1)),
            norms=np.sum(W**2),
            dims=rep.dim,
        )


def test_copies_are_made_of_coordinates_that_the_group_mixes():
    """Orbits of pixels, points in space, channels: exactly zero elsewhere, whatever the seed."""
    two_points = g.direct_sum(g.rotations(3), g.rotations(3))
    for rep, size in ((g.image_rotations(5), 4), (two_points, 3), (g.channels(g.cyclic(6), 4), 6)):
        for seed in (0, 1):
            for c in isotypic(rep, seed).components:
                for copy in c.basis.reshape(c.multiplicity, c.dimension, rep.dim):
                    assert np.flatnonzero(copy.any(axis=0)).size <= size


def test_the_same_seed_gives_the_same_bits():
    for rep in (g.adjacency(4), g.matrices(zoo.conjugated(zoo.block(zoo.Q8, zoo.Q8))), g.point_cloud(3)):
        one, two, other = isotypic(rep, 3), isotypic(rep, 3), isotypic(rep, 4)
        assert one.basis.tobytes() == two.basis.tobytes()
        assert parts(rep, 3) == parts(rep, 4)
        assert other.basis.shape == one.basis.shape


def test_the_invariants_are_a_component():
    """The trivial part spans what invariant_basis spans."""
    rep = g.image_dihedral(5)
    B = rep.invariant_basis()
    energies = isotypic(rep).energies(B)
    assert np.sort(energies)[-1] == pytest.approx(len(B), rel=1e-12)
    assert np.sort(energies)[:-1].sum() < 1e-24 * len(B) ** 2


def test_energies_of_a_gradient_and_of_a_run(rng):
    rep = g.cyclic(6)
    m = lv.Moments.from_data(rng.standard_normal((30, 6)), rng.standard_normal((30, 2)))
    problem = lv.augmented(m, rep, rank=2)
    trace = lv.train(problem, epochs=20, record=lv.Record(every=10, weights=True))
    energies = isotypic(rep).energies(trace.weights)
    assert energies.shape == (*trace.loss.shape, 4)
    np.testing.assert_allclose(energies.sum(-1), trace.norm**2, rtol=1e-12)
    D = problem.gradient(np.zeros((2, 6)))  # -2 C̄, invariant
    found = isotypic(rep).energies(D)
    assert np.sort(found)[-1] == pytest.approx(np.sum(D**2), rel=1e-12)


def test_not_orthogonal_is_refused_with_the_remedy():
    rep = zoo.ZOO["not orthogonal S4"].rep
    with pytest.raises(ValueError, match="orthogonal_form"):
        isotypic(rep)
    assert parts(rep.orthogonal_form[0]) == parts(g.symmetric(4))


def test_too_large_is_refused_with_the_bytes():
    with pytest.raises(ValueError, match=r"GiB"):
        isotypic(g.cyclic(20_000))
    assert math.isfinite(isotypic(g.cyclic(3)).residual)
