"""No call asks for more than 1 GiB unsaid: it says so first, with the number and the way out."""

import time

import numpy as np
import pytest

import linvariance as lv
from linvariance import groups
from linvariance.landscape import critical_points, lower_rank_points

LONG = 20_000


def wide():
    rng = np.random.default_rng(0)
    return lv.Moments.from_data(rng.standard_normal((4, LONG)), rng.standard_normal((4, 2)))


def many_points():
    """C(40, 20) of them."""
    return critical_points(square(40, rank=20))


def square(d, rank):
    return lv.unconstrained(lv.Moments.from_data(np.eye(d), np.diag(np.arange(1.0, d + 1))), rank=rank)


def network(d):
    return lv.Network([np.ones((1, d)), np.ones((2, 1))])


def of_rank_one(problem=lv.unconstrained, *arguments, **terms):
    return problem(wide(), *arguments, rank=1, **terms)


CALLS = {
    "Moments.xx": lambda: wide().xx,
    "Samples.xx": lambda: lv.Samples(np.ones((2, LONG)), [1.0, 2.0]).xx,
    "to_dense": lambda: lv.hessian(of_rank_one(), network(LONG)).to_dense(),
    "list of points": lambda: list(many_points()),
    "slice of points": lambda: many_points()[-3:],
    "list of more points than a float can count": lambda: list(lower_rank_points(square(1100, rank=1100))),
    "elements": lambda: groups.symmetric(12).elements(limit=10**9),
    "elements not counted before": lambda: (
        groups.permutations([np.roll(np.arange(3 * 10**6), 1)]).elements(limit=10**9)
    ),
    "draw": lambda: groups.symmetric(100).draw(10**9, np.random.default_rng(0)),
    "generators": lambda: groups.cyclic(LONG).matrices(),
    "check": lambda: groups.cyclic(LONG).check(),
    "penalty matrix": lambda: groups.cyclic(LONG).penalty_matrix(),
    "complement": lambda: groups.cyclic(LONG).complement_basis,
    "invariant basis": lambda: groups.trivial(LONG).invariant_basis(),
    "orbitals": lambda: groups.cyclic(LONG).number_of_orbitals(),
    "isotypic": lambda: groups.isotypic(groups.cyclic(LONG)),
    "tensor product": lambda: groups.tensor_product(groups.cyclic(10**5), groups.cyclic(10**5)),
    "tensor product of matrices": lambda: groups.tensor_product(groups.rotations(50), groups.rotations(50)),
    "sum of matrices": lambda: groups.direct_sum(*[groups.rotations(40)] * 100),
    "point cloud": lambda: groups.point_cloud(10**4),
    "rotations": lambda: groups.rotations(2000),
    "trivial": lambda: groups.trivial(10**12),
    "cyclic": lambda: groups.cyclic(10**12),
    "images": lambda: groups.image_rotations(10**5),
    "translations": lambda: groups.image_translations(10**6, 10**6),
    "adjacency": lambda: groups.adjacency(10**5),
    "channels": lambda: groups.channels(groups.cyclic(10**6), 10**6),
    "averaged loss": lambda: of_rank_one(lv.augmented, groups.cyclic(LONG)).loss(np.zeros((2, LONG))),
    "training on an averaged loss": lambda: lv.train(of_rank_one(lv.augmented, groups.cyclic(LONG)), epochs=1),
    "path with a ridge": lambda: lv.regularization_path(wide(), groups.cyclic(LONG), rank=1, ridge=0.1),
    "path": lambda: lv.regularization_path(wide(), groups.cyclic(LONG), rank=1).evaluate(np.arange(1.0, 10**4)),
    "split": lambda: lv.invariance.split(np.ones((1, LONG)), groups.cyclic(LONG), wide()),
}


@pytest.mark.parametrize("call", CALLS)
def test_it_says_how_much_and_what_to_do(call):
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"GiB.*: \w+ \w+"):
        CALLS[call]()
    assert time.perf_counter() - start < 30


def test_what_is_printed_is_short():
    assert len(repr(groups.isotypic(groups.trivial(60)))) < 200
    assert len(repr(groups.isotypic(groups.cyclic(120)))) < 400
    assert repr(groups.isotypic(groups.cyclic(3))).startswith("IsotypicDecomposition(1 x 1 real, 1 x 2 complex, ")
