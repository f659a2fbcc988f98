"""The group's Fourier transform on first layers: w·ρ(g)x for every g, and networks that train through it."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import oracles
from linvariance.groups.fourier import Fourier, fourier
from linvariance.objectives import empirical
from sample_problems import drawn
from tolerances import close
from zoo import ZOO

FINITE = {name: entry for name, entry in ZOO.items() if len(entry.elements) <= 120}
SKEWED = [name for name, entry in FINITE.items() if not entry.rep.is_orthogonal]
SMALL = [name for name in FINITE if name not in SKEWED]
IMAGES = {
    "C4, free orbits": lv.groups.image_rotations(6),
    "C4, a fixed pixel": lv.groups.image_rotations(15),
    "D4, orbits of three kinds": lv.groups.image_dihedral(7),
    "C4 on two channels": lv.groups.channels(lv.groups.image_rotations(4), 2),
    "shifts": lv.groups.image_translations(4, 3),
}


def check_definition(rep, rng):
    f = fourier(rep)
    Q, N = f.basis.toarray(), f.spread.toarray()
    close("fourier: Q is orthogonal", Q @ Q.T, np.eye(rep.dim), norms=1, dims=rep.dim)
    w, x = rng.standard_normal((2, rep.dim))
    found, row, look = np.zeros(rep.order()), 0, 0
    for start, length, looks in f.ranges:
        for k in range(look, look + looks):
            found += f.F[:, k] * (N[row : row + length] @ w @ (Q @ x)[start : start + length])
            row += length
        look += looks
    expected = [rep.multiply(w, g) @ x for g in rep.elements()]
    close("fourier: w·ρ(g)x", found, expected, norms=np.linalg.norm(w) * np.linalg.norm(x), dims=10 * rep.dim)
    close("fourier: x̂", f.transform(x[None], np.float64)[0], Q @ x, norms=np.linalg.norm(x), dims=rep.dim)


@pytest.mark.parametrize("name", SMALL)
def test_the_definition(name, rng):
    check_definition(ZOO[name].rep, rng)


@pytest.mark.parametrize("name", IMAGES)
def test_the_definition_on_images(name, rng):
    check_definition(IMAGES[name], rng)


@pytest.mark.parametrize("name", SKEWED)
def test_none_for_what_is_not_orthogonal(name):
    assert fourier(ZOO[name].rep) is None


def through_it():
    """Every pass through the transform, whether it pays or not."""
    return patch.multiple(empirical, FEWEST=0), patch.object(Fourier, "pays", lambda self, n: True)


def both(problem, widths, activation, weights):
    """(loss, gradient) of the plain pass and of that through the transform."""
    few, always = through_it()
    plain = problem.objective.core()
    with few, always:
        other = problem.objective.core(passes=True)
    assert other is not plain
    return [core.gradient(list(widths), activation, weights) for core in (plain, other)]


@given(drawn(names=SMALL, methods=("augmented", "convolutional")))
def test_loss_and_gradient_are_those_of_the_plain_pass(one):
    if one.rep.order() == 1:
        return
    (loss, gradient), (found_loss, found) = both(one.problem, one.widths, one.activation, oracles.joined(one.weights))
    one.agree("fourier: loss", found_loss, loss)
    one.agree("fourier: gradient", found, gradient)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
@pytest.mark.parametrize("activation", ["identity", "leaky_relu", "tanh"])
@pytest.mark.parametrize("method", [lv.augmented, lv.convolutional])
@pytest.mark.parametrize("name", IMAGES)
def test_loss_and_gradient_on_images(name, method, activation, loss, rng):
    rep = IMAGES[name]
    X, labels = rng.standard_normal((250, rep.dim)), rng.integers(0, 4, 250)
    data = lv.Samples(X, labels, loss, classes=4) if loss == "cross_entropy" else lv.Samples(X, np.eye(4)[labels])
    widths = (rep.dim, 7, 3, 4)
    weights = rng.standard_normal(7 * rep.dim + 33) / 3
    problem = method(data, rep, rank=3)
    (value, gradient), (found_value, found) = both(problem, widths, activation, weights)
    assert abs(found_value - value) <= 1e-12 * abs(value)
    assert np.abs(found - gradient).max() <= 1e-12 * np.abs(gradient).max()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["C4, a fixed pixel", "D4, orbits of three kinds"])
def test_training_is_that_of_the_plain_pass(name, dtype, rng):
    rep = IMAGES[name]
    data = lv.Samples(rng.standard_normal((150, rep.dim)), rng.standard_normal((150, 3)))
    options = {"activation": "tanh", "biases": True, "epochs": 50, "dtype": dtype, "optimizer": lv.Adam(eps=1e-4)}
    few, always = through_it()
    with few, always:
        through = lv.train(lv.augmented(data, rep, rank=3), **options)
    with patch.object(Fourier, "pays", lambda self, n: False):
        plain = lv.train(lv.augmented(data, rep, rank=3), **options)
    bound = 1e-12 if dtype == np.float64 else 1e-4
    assert np.abs(through.network.flat - plain.network.flat).max() <= bound
    np.testing.assert_allclose(through.loss, plain.loss, rtol=bound)


@given(st.integers(1, 3), st.sampled_from([np.float64, np.float32]), st.booleans())
def test_any_number_of_threads_gives_the_same_bits(threads, dtype, pooled):
    """With more threads than runs, those left over share the parts of a run's samples."""
    rng = np.random.default_rng(0)
    data = lv.Samples(rng.standard_normal((1700, 16)), rng.integers(0, 3, 1700), "cross_entropy")
    method = lv.convolutional if pooled else lv.augmented
    problem = method(data, lv.groups.image_rotations(4), rank=3)
    options = {"activation": "swish", "biases": True, "epochs": 4, "dtype": dtype, "optimizer": lv.Adam(1e-2)}
    alone = lv.train(problem, threads=1, seeds=(1,), **options)
    other = lv.train(problem, threads=threads, seeds=(1,), **options)
    assert alone.network.flat.tobytes() == other.network.flat.tobytes()
    assert alone.loss.tobytes() == other.loss.tobytes()
    together = lv.train(problem, threads=2 * threads, seeds=(0, 1), **options).at(0, 1)
    assert alone.network.flat.tobytes() == together.network.flat.tobytes()


def test_it_is_taken_where_it_pays():
    products = lambda f: sum(length * looks for _, length, looks in f.ranges)  # noqa: E731
    for rep, count in ((lv.groups.image_rotations(14), 294), (lv.groups.image_dihedral(14), 294)):
        assert products(fourier(rep)) == count  # a sample and unit, instead of |G|·196
        assert fourier(rep).pays(1000)
        assert not fourier(rep).pays(1)  # going there and back costs more
    shifts = lv.groups.image_translations(6, 6)
    assert not fourier(shifts).pays(10**6)  # 36 values from 36 numbers: as much as 36 products with 36 pixels


def test_the_one_copy_is_the_transformed_one(rng):
    """Mini-batches of augmented rows take the data as they are, full passes take x̂; loss and gradient too are plain."""
    data = lv.Samples(rng.standard_normal((64, 36)), rng.standard_normal((64, 2)))
    objective = lv.augmented(data, lv.groups.image_rotations(6), rank=2).objective
    assert objective.core(passes=True) is not objective.core()
    with pytest.raises(ValueError, match="in their own coordinates"):
        objective.core(passes=True).gradient([36, 2], "identity", np.zeros(72), np.zeros(1, np.int32))
