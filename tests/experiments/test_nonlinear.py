"""The experiment with nonlinear networks: against the literal definitions, and with itself."""

from dataclasses import replace

import numpy as np
import pytest

import idx
import linvariance as lv
from linvariance.datasets import Digits
from linvariance.experiments.figures.invariance_errors import SHARES, invariance_errors
from linvariance.experiments.figures.nonlinear_losses import convolutional_losses, losses_over_epochs
from linvariance.experiments.nonlinear import (
    CONVOLUTIONAL,
    DATA,
    HARD,
    NonlinearExperiment,
    NonlinearProtocol,
    Setting,
    invariance_error,
)
from linvariance.experiments.protocol import Protocol

FLOAT32 = 30 * float(np.finfo(np.float32).eps)  # of sums of a few hundred terms in single precision


def test_the_protocol_is_the_papers():
    protocol = NonlinearProtocol()
    assert (protocol.samples, protocol.hidden, protocol.epochs) == ((1000, 5000), (7, 15), 4000)
    assert protocol.optimizer() == Protocol().optimizer()
    assert (protocol.dropped_digit, protocol.classes, protocol.side) == (9, 9, 14)


def test_a_source_with_a_test_set_gives_both_without_nines():
    protocol = NonlinearProtocol(samples=(20, 50))
    train, test = protocol.split(Digits(*idx.blobs(100), "a"), Digits(*idx.blobs(40, seed=1), "b"))
    assert len(train) == 50
    assert (train.source, test.source) == ("a", "b")
    assert 9 not in train.labels
    assert 9 not in test.labels
    assert len(test) == np.sum(idx.blobs(40, seed=1)[1] != 9)


def test_a_source_without_a_test_set_keeps_some_digits_back():
    digits = Digits(*idx.blobs(100), "a")
    usable = digits.without(9)
    train, test = NonlinearProtocol(samples=(20, 500), held_out=15).split(digits, None)
    np.testing.assert_array_equal(np.concatenate([train.images, test.images]), usable.images)
    assert len(test) == 15
    assert len(NonlinearProtocol(samples=(20, 50), held_out=15, tested=12).split(digits, None)[1]) == 12
    with pytest.raises(ValueError, match=f"{len(usable)} digits without 9 from a, .* at least 501"):
        NonlinearProtocol(samples=(485, 500), held_out=15).split(digits, None)


def test_each_kind_is_trained_on_its_samples(nonlinear):
    kinds = {(setting.kind, setting.samples) for setting in nonlinear.courses}
    assert kinds == {(HARD.name, 60), (CONVOLUTIONAL.name, 60), (DATA.name, 60), (DATA.name, 30)}
    assert len(nonlinear.courses) == 4 * len(nonlinear.settings) == 4 * 4 * 2
    for setting, course in nonlinear.courses.items():
        np.testing.assert_array_equal(course.epochs, [0, 5, 10, 15, 20])
        assert course.loss.shape == (2, 5)
        assert course.loss[:, -1].max() < course.loss[:, 0].min()
        inputs = 49 if setting.kind == HARD.name else 196
        assert [network.widths for network in course.networks] == [(inputs, setting.hidden, 9)] * 2
        assert {network.activation for network in course.networks} == {setting.activation}


@pytest.mark.parametrize("activation", ["leaky_relu", "relu", "swish", "tanh"])
def test_losses_are_pytorchs_mean_over_the_literal_data(nonlinear, activation):
    """On the data augmented by four rotations, on invariant inputs, with a pooled first layer."""
    X, Y = nonlinear.protocol.inputs(nonlinear.digits), nonlinear.digits.targets(9)
    turned = [np.rot90(X.reshape(-1, 14, 14), k, axes=(1, 2)).reshape(len(X), -1) for k in range(4)]
    for kind in (HARD, DATA, CONVOLUTIONAL):
        course = nonlinear.courses[Setting(kind.name, 60, 7, activation)]
        problem = kind.pose(lv.Samples(X, Y), nonlinear.rotations, rank=7)
        f = lv.predictor(problem, course.networks[1])
        expected = np.mean([np.mean((f(images) - Y) ** 2) for images in turned])
        assert course.loss[1, -1] == pytest.approx(expected, rel=FLOAT32), kind.name


def test_augmented_and_convolutional_networks_start_from_the_same_weights(nonlinear):
    start = replace(nonlinear, protocol=replace(nonlinear.protocol, epochs=0), seeds=(1,))
    for activation, hidden in start.settings:
        networks = [
            start.courses[Setting(kind, samples, hidden, activation)].networks[0]
            for kind, samples in ((DATA.name, 30), (DATA.name, 60), (CONVOLUTIONAL.name, 60))
        ]
        assert all(np.array_equal(network.flat, networks[0].flat) for network in networks)


def test_a_seed_is_the_same_alone_and_in_company(nonlinear):
    alone = replace(nonlinear, seeds=(1,))
    for setting, course in alone.courses.items():
        np.testing.assert_array_equal(course.loss[0], nonlinear.courses[setting].loss[1])
        np.testing.assert_array_equal(course.networks[0].flat, nonlinear.courses[setting].networks[1].flat)


def test_inputs_are_test_digits_and_noise(nonlinear):
    digits, noise = nonlinear.inputs.values()
    np.testing.assert_array_equal(digits, nonlinear.protocol.inputs(nonlinear.test))
    assert noise.shape == (20, 196)
    assert abs(noise.mean()) < 5 / np.sqrt(noise.size)
    assert not {image.tobytes() for image in nonlinear.digits.images} & {
        image.tobytes() for image in nonlinear.test.images
    }


def test_the_invariance_error_is_summed_over_outputs():
    """Of one output it is the library's; of several, the sum of theirs."""
    rng = np.random.default_rng(0)
    rep, X = lv.groups.image_rotations(4), rng.standard_normal((50, 16))
    f = lv.Network([rng.standard_normal((5, 16)), rng.standard_normal((3, 5))], "tanh")
    expected = sum(lv.invariance.error(lambda X, k=k: f(X)[:, k], X, rep) for k in range(3))
    np.testing.assert_allclose(invariance_error(f, X, rep), expected, rtol=1e-9)  # a mean near 0 costs digits twice


def test_a_function_that_vanishes_on_an_orbit_is_invariant_there():
    rep = lv.groups.symmetric(2)
    np.testing.assert_array_equal(invariance_error(lambda X: np.zeros((len(X), 2)), np.eye(2), rep), [0, 0])


def test_hard_wired_and_convolutional_networks_are_invariant(nonlinear):
    data = lv.Samples(nonlinear.protocol.inputs(nonlinear.digits), nonlinear.digits.targets(9))
    for kind in (HARD, CONVOLUTIONAL):
        network = nonlinear.courses[Setting(kind.name, 60, 15, "swish")].networks[0]
        f = lv.predictor(kind.pose(data, nonlinear.rotations, rank=9), network)
        assert lv.invariance.error(f, nonlinear.protocol.inputs(nonlinear.test), nonlinear.rotations).max() < 1e-24


def test_figure_10_and_the_one_beside_it_end_with_the_courses(nonlinear):
    figures = (losses_over_epochs(nonlinear), convolutional_losses(nonlinear))
    for result, kinds in zip(figures, ((HARD, DATA), (HARD, DATA, CONVOLUTIONAL)), strict=True):
        ends = {row[:5]: row[-1] for row in result.rows if row[5] == nonlinear.protocol.epochs}
        expected = {
            (*setting, seed): loss
            for setting, course in nonlinear.courses.items()
            if setting.samples == 60 and setting.kind in {kind.name for kind in kinds}
            for seed, loss in zip(nonlinear.seeds, course.loss[:, -1], strict=True)
        }
        assert ends == expected
        assert len(result.facts) == len(kinds) * 8
        assert "60 digits" in result.caption


def test_figure_11_holds_quantiles_of_the_errors(nonlinear):
    result = invariance_errors(nonlinear)
    rows = {row[:6]: row[6:] for row in result.rows}
    assert len(rows) == 2 * 2 * 2 * 4 * 2
    setting = Setting(DATA.name, 30, 15, "tanh")
    errors = nonlinear.errors("Gaussian inputs", setting)[1]
    np.testing.assert_array_equal(rows["Gaussian inputs", *setting, 1][:-1], np.quantile(errors, SHARES))
    relative = nonlinear.relative_errors("Gaussian inputs", setting)[1]
    assert rows["Gaussian inputs", *setting, 1][-1] == np.nanmedian(relative)
    fact = next(f for f in result.facts if f.of == "15 hidden units, 30 digits, tanh" and "Gaussian" in f.quantity)
    assert fact.trained[1] == np.median(errors)
    low, high = result.picture.axes[0].get_ylim()
    assert low < min(row[0] for row in rows.values()) < max(row[4] for row in rows.values()) < high
    assert f"{len(nonlinear.test)} digits that no network has seen" in result.caption


def test_nothing_is_trained_before_it_is_asked_for(monkeypatch):
    monkeypatch.setattr("linvariance.train", None)
    protocol = NonlinearProtocol(samples=(20, 60), held_out=10)
    experiment = NonlinearExperiment(protocol, *protocol.split(Digits(*idx.blobs(100), "a"), None), (0,))
    assert set(experiment.inputs) == {"test digits", "Gaussian inputs"}
