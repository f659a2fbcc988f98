"""What a representation says of itself: relations, orders of generators, sizes."""

import math
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given

import linvariance as lv
import methods
import oracles
import strategies
import zoo

g = lv.groups
EVERY = pytest.mark.parametrize("entry", zoo.ZOO.values(), ids=zoo.ZOO)


def order_of(rho):
    power, k = rho, 1
    while np.abs(power - np.eye(len(rho))).max() > 1e-9:
        power, k = power @ rho, k + 1
        assert k < 1000
    return k


@EVERY
def test_orders_of_generators_and_their_relations(entry):
    orders = tuple(order_of(rho) for rho in entry.orthogonal)
    words = [(k + 1,) * n for k, n in enumerate(orders)] + [(-k - 1,) * n for k, n in enumerate(orders)] + [(1, -1)]
    found = entry.rep.check(relations=words)
    assert found.orders == orders
    assert len(found.relations) == len(words)
    assert max(found.relations) < 30 * entry.condition
    if entry.T is None:
        assert found.orthogonality < 30
    else:
        residual = max(np.linalg.norm(rho @ rho.T - np.eye(entry.dim)) for rho in entry.generators)
        assert found.orthogonality == pytest.approx(residual / (entry.dim * oracles.EPS), rel=1e-3)
    for wrong in ((1,) * (orders[0] + 1), (-1,) * (orders[0] + 1)):
        if orders[0] > 1:
            with pytest.raises(ValueError, match="does not hold"):
                entry.rep.check(relations=[*words, wrong])


def test_relations_of_known_groups():
    found = g.matrices(zoo.conjugated(zoo.Q8)).check(relations=[(1, 1, -2, -2), (1, 2, 1, -2), (1,) * 4])
    assert max(found.relations) < 30
    g.symmetric(5).check(relations=[(1, 1), (2,) * 5, (2, 1) * 4])
    with pytest.raises(ValueError, match=r"\(1, 2, -1, -2\).*differs from the identity by"):
        g.symmetric(3).check(relations=[(1, 2, -1, -2)])
    broken = g.matrices([zoo.turn(2 * np.pi / 5 + 1e-6)])
    with pytest.raises(ValueError, match="does not hold"):
        broken.check(relations=[(1,) * 5])
    assert broken.check().orders == (None,)
    assert g.matrices([zoo.turn(np.sqrt(2))]).check().orders == (None,)
    assert g.matrices([zoo.turn(2 * np.pi / 997)]).check().orders == (997,)
    assert g.rotations(3).check().orders == ()
    assert g.cyclic(3).check().relations == ()


@EVERY
def test_summary(entry):
    found, characters = entry.rep.summary(), np.trace(entry.elements, axis1=1, axis2=2)
    assert (found.dimension, found.order) == (entry.dim, len(entry.elements))
    assert found.invariants == round(characters.mean())
    assert found.saved == pytest.approx(1 - characters.mean() / entry.dim)
    assert found.name == repr(entry.rep)
    if entry.T is None:
        assert found.commutant == round(np.square(characters).mean())
    else:
        assert found.commutant is None
    if isinstance(entry.rep, g.Permutations):
        moved = np.abs(entry.elements).sum(0) > 0.5
        assert found.orbits == len(np.unique(moved, axis=0))
    else:
        assert found.orbits is None
    for number in (found.dimension, found.order, found.invariants):
        assert f"{number:,}" in str(found)


@given(strategies.groups())
def test_summary_of_drawn_permutations(group):
    found = methods.representation(group).summary()
    labels = oracles.orbits(group.permutations, group.dim)
    pairs = oracles.orbitals(group.permutations, group.dim)
    assert (found.orbits, found.invariants, found.commutant) == (*[len(np.unique(labels))] * 2, len(np.unique(pairs)))


def test_summaries_of_large_and_infinite_groups():
    images = g.image_translations(28, 28).summary()
    assert (images.order, images.orbits, images.invariants, images.commutant) == (784, 1, 1, 784)
    assert g.symmetric(196).summary().order == math.factorial(196)
    assert "10^365" in str(g.symmetric(196).summary())
    cloud = g.point_cloud(4).summary()
    assert (cloud.order, cloud.invariants, cloud.commutant) == (math.inf, 0, 2)
    assert "infinite" in str(cloud)
    irrational = g.matrices([zoo.turn(np.sqrt(2))]).summary()
    assert (irrational.order, irrational.commutant) == (None, 2)
    assert "not counted" in str(irrational)


def test_a_group_without_invariants_reads_well():
    assert "invariants none: only W = 0 is invariant\n" in str(lv.groups.hypercube(4).summary())


@pytest.mark.parametrize("make", [lambda: g.symmetric(4), lambda: g.dihedral(6), lambda: g.cyclic(5)])
def test_sums_and_products_of_a_group_with_itself_know_its_order(make):
    for joined in (g.direct_sum(make(), make()), g.tensor_product(make(), make())):
        assert joined.order_is_known
        assert joined.order() == len(g.permutations(joined.generators).elements()) == make().order()
    flips = g.hypercube(3)  # -1 acts as 1 on pairs
    assert not g.tensor_product(flips, flips).order_is_known
    assert g.tensor_product(flips, flips).order() == flips.order() // 2


def test_a_summary_does_not_begin_to_count_what_may_take_hours():
    unnamed = g.permutations(g.symmetric(60).generators)
    pairs = g.tensor_product(unnamed, unnamed)
    assert pairs.summary().order is None
    assert "not counted" in str(pairs.summary())
    assert g.tensor_product(g.symmetric(60), g.symmetric(60)).summary().order == math.factorial(60)
    with pytest.raises(ValueError, match=r"5,000 coordinates.* up to 4,000 .*: decompose"):
        g.isotypic(g.cyclic(5000))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(
    "call",
    [
        "groups.permutations(groups.symmetric(30).generators).elements(limit=10**6)",
        "groups.matrices([np.diag([1.0, *w]) for w in turns]).elements(limit=10**6)",
        "groups.permutations(groups.tensor_product(*[groups.symmetric(40)] * 2).generators).order()",
    ],
)
def test_ctrl_c_ends_enumerating_and_counting(call):
    script = f"""
import numpy as np, sys
from linvariance import groups
turns = np.where(np.eye(24), -1.0, 1.0) * np.ones((24, 24))
print("ready", flush=True)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[0] == "interrupted\n"
        finally:
            process.kill()
