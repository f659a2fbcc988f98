"""Symmetry-adapted coordinates, sparse by orbits: averages are block-diagonal in them, and the core works in blocks."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
from linvariance import _core
from linvariance.groups.adapted import adapted, orbit_coordinates
from linvariance.training.until import NEVER
from tolerances import close

# The quaternions ±1, ±i, ±j, ±k by left multiplication with i and with j: the one irreducible of quaternionic type.
Q8 = ((1, 2, 3, 0, 5, 6, 7, 4), (4, 7, 6, 5, 2, 1, 0, 3))


def copies(tables, count):
    """`count` orbits of each action (M, m), side by side."""
    parts, start = [], 0
    for table in tables:
        for _ in range(count):
            parts.append(np.array(table) + start)
            start += len(table[0])
    return np.hstack(parts)


GROUPS = {
    "C4 on free orbits": lv.groups.image_rotations(6),
    "C4 with a fixed pixel": lv.groups.image_rotations(7),
    "D4 with orbits of three kinds": lv.groups.image_dihedral(7),
    "Q8, quaternionic": lv.groups.permutations(copies([Q8], 3)),
    "C5 and a fixed point, complex": lv.groups.permutations(copies([[(1, 2, 3, 4, 0)], [(0,)]], 4)),
    "S3 on 3 and on 6 points": lv.groups.permutations(
        copies([[(1, 2, 0), (1, 0, 2)], [(1, 2, 0, 4, 5, 3), (3, 5, 4, 0, 2, 1)]], 3)
    ),
    "A4 on 4 points": lv.groups.permutations(copies([[(1, 2, 0, 3), (1, 0, 3, 2)]], 5)),
    "17 orbits each of 2, 3, 4, 5, 6 and 8 points": lv.groups.permutations(
        copies([[np.roll(np.arange(points), 1)] for points in (2, 3, 4, 5, 6, 8)], 17)
    ),
    "two commuting shifts": lv.groups.image_translations(4, 3),
}


@pytest.fixture(params=GROUPS, ids=list(GROUPS))
def rep(request):
    return GROUPS[request.param]


@st.composite
def drawn_groups(draw):
    dim, seed = draw(st.integers(2, 12)), draw(st.integers(0, 2**32 - 1))
    rng, images = np.random.default_rng(seed), []
    for _ in range(draw(st.integers(1, 2))):
        moved = rng.permutation(dim)[: draw(st.integers(2, min(dim, 6)))]
        image = np.arange(dim)
        image[moved] = np.roll(moved, 1)
        images.append(image)
    return lv.groups.permutations(images), rng


def check_blocks(rep, rng):
    coordinates = orbit_coordinates(rep)
    order = coordinates.order
    assert sorted(order.tolist()) == list(range(rep.dim))
    flat = sorted(place for ranges in coordinates.ranges for at, n in ranges for place in range(at, at + n))
    assert flat == list(range(rep.dim))
    Q = coordinates.transform(np.eye(rep.dim)).T  # x' = Q x[order]
    close("adapted: Q is orthogonal", Q @ Q.T, np.eye(rep.dim), norms=1, dims=rep.dim)
    S = rng.standard_normal((rep.dim, rep.dim))
    S = rep.average_moment(S @ S.T)[np.ix_(order, order)]
    blocks, whole = coordinates.blocks(S), np.zeros_like(S)
    for ranges, block in zip(coordinates.ranges, blocks, strict=True):
        place = np.concatenate([np.arange(at, at + n) for at, n in ranges])
        whole[np.ix_(place, place)] = block
    close("adapted: S̄ is its blocks", Q.T @ whole @ Q, S, norms=np.linalg.norm(S), dims=rep.dim)


def test_an_average_is_its_blocks(rep, rng):
    check_blocks(rep, rng)


@given(drawn_groups())
def test_an_average_is_its_blocks_for_drawn_groups(drawn):
    check_blocks(*drawn)


def test_the_number_of_blocks():
    """A real irreducible of dimension d gives d blocks, each of the size of its multiplicity."""
    lengths = [sum(n for _, n in ranges) for ranges in adapted(lv.groups.image_dihedral(14)).ranges]
    assert sorted(lengths) == [21, 21, 28, 28, 49, 49]  # 7 orbits of 4 on the diagonals, 21 of 8
    assert adapted(lv.groups.symmetric(80)) is None
    assert adapted(lv.groups.cyclic(60)) is None  # one orbit: there and back is all there is


def moments_of(rep, rng, outputs=3, kind=np.float64):
    S = rng.standard_normal((rep.dim, rep.dim))
    S = rep.average_moment(S @ S.T) / rep.dim
    C = rep.project(rng.standard_normal((outputs, rep.dim)))
    coordinates = orbit_coordinates(rep)
    order = coordinates.order
    segments = [(len(segment.orbits), segment.basis) for segment in coordinates.segments]
    blocks = list(zip(coordinates.ranges, coordinates.blocks(S[np.ix_(order, order)]), strict=True))
    make = _core.SecondMoments if kind == np.float64 else _core.SecondMoments32
    values, vectors = np.linalg.eigh(S)
    return make(S, C), make(order.tolist(), segments, blocks, C), make(vectors, values, C)


@pytest.mark.parametrize("widths", [(2, 3), (7, 3), (3, 2, 3), (1, 3)])
def test_hessian_products_in_blocks_are_the_dense_ones(rep, rng, widths):
    dense, blocked, _ = moments_of(rep, rng, widths[-1])
    shape = [rep.dim, *widths]
    size = sum(a * b for a, b in zip(shape[1:], shape[:-1], strict=True))
    weights, directions = rng.standard_normal(size) / 3, rng.standard_normal((4, size))
    found = [_core.Hessian(m, shape, weights).apply(directions) for m in (dense, blocked)]
    close("blocks: Hessian products", found[1], found[0], norms=np.linalg.norm(found[0]), dims=(size, rep.dim))


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_training_in_blocks_is_the_dense_one(rep, rng, kind):
    dense, blocked, diagonal = moments_of(rep, rng, kind=kind)
    shape = [rep.dim, 4, 3]
    starts = (rng.standard_normal((2, 4 * rep.dim + 12)) / 4).astype(kind)
    look = _core.Observables([np.eye(rep.dim)], [1], np.eye(rep.dim)[:1], np.eye(rep.dim), np.ones((rep.dim, 3)), 0.0)
    descent = lv.GradientDescent(lr=1e-2, momentum=0.5, weight_decay=0.1)

    def trained(moments, rule):
        settings, runs = rule.settings(), len(starts)
        means = np.zeros((runs, settings.means, starts.shape[1]), kind)
        flags = [np.zeros(runs, int), np.full(runs, -1), np.zeros(runs, bool), np.zeros(runs, bool), np.zeros(runs)]
        states = (_core.States if kind == np.float64 else _core.States32)(starts.copy(), means, *flags)
        plan = _core.Plan(0, 100, 10, np.array([rule.lr]), NEVER, True, False, 1)
        return _core.train([shape], [moments], [look], [states], settings, plan)[0]

    for rule, rivals in ((lv.Adam(lr=1e-3), [blocked]), (descent, [blocked, diagonal])):
        first, *runs = (trained(m, rule) for m in (dense, *rivals))
        eps = float(np.finfo(kind).eps / np.finfo(np.float64).eps)
        for name, run in product(("network", "loss", "norm", "first", "parts", "entries", "weights"), runs):
            one, other = (np.asarray(getattr(it, name), dtype=np.float64) for it in (first, run))
            close(f"blocks: {name}", other, one, norms=eps * np.linalg.norm(one), dims=rep.dim, condition=100)
