"""The experiment behind the figures: against brute force on the augmented data, and with itself."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax

import linvariance as lv
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.methods import AUGMENTED, HARD_WIRED
from tolerances import close


def augmented_data(experiment):
    """The literal augmented training set: inputs (4n, d0), labels (4n,)."""
    side = experiment.protocol.side
    images = experiment.inputs.reshape(-1, side, side)
    return (
        np.concatenate([np.rot90(images, k, axes=(1, 2)).reshape(len(images), -1) for k in range(4)]),
        np.tile(experiment.digits.labels, 4),
    )


def test_accuracy_is_that_on_the_literal_augmented_set(squared):
    X, labels = augmented_data(squared)
    for method, solution in squared.solutions.items():
        expected = np.mean((X @ solution.weights.T).argmax(axis=1) == labels)
        assert squared.accuracy(solution.weights) == pytest.approx(expected, abs=1 / len(labels)), method


def test_the_augmented_loss_is_that_on_the_literal_augmented_set(squared):
    X, labels = augmented_data(squared)
    W, solution = squared.solutions[AUGMENTED].weights, squared.solutions[AUGMENTED]
    Y = np.eye(squared.protocol.classes)[labels]
    close("augmented loss on literal data", solution.loss, np.sum((X @ W.T - Y) ** 2) / len(X), norms=1.0, dims=X.shape)


def test_the_augmented_cross_entropy_is_that_on_the_literal_augmented_set(cross_entropy, rng):
    X, labels = augmented_data(cross_entropy)
    W = rng.standard_normal((cross_entropy.protocol.classes, X.shape[1]))
    expected = -np.mean(log_softmax(X @ W.T, axis=1)[np.arange(len(X)), labels])
    close("cross-entropy", cross_entropy.problems[AUGMENTED].loss(W), expected, norms=abs(X @ W.T).max(), dims=X.shape)


def test_averaging_over_the_group_raises_no_augmented_loss(experiment, rng):
    # By convexity (Jensen), and where W is invariant the augmented loss is the hard-wired one: their infima are equal.
    W = rng.standard_normal((experiment.protocol.classes, experiment.inputs.shape[1]))
    augmented, hard = experiment.problems[AUGMENTED], experiment.problems[HARD_WIRED]
    average = experiment.rotations.project(W)
    assert augmented.loss(average) < augmented.loss(W)
    close("loss", augmented.loss(average), hard.loss(hard.restrict(W)), norms=augmented.loss(W), dims=W.shape)


def test_only_the_squared_loss_is_solved(squared, cross_entropy):
    assert list(squared.solutions) == list(squared.problems)
    assert cross_entropy.solutions == {}


def test_courses_have_a_row_for_each_seed(experiment):
    assert list(experiment.courses) == [HARD_WIRED, *experiment.learned]
    for course in experiment.courses.values():
        np.testing.assert_array_equal(course.epochs, [0, 5, 10, 15, 20])
        assert course.accuracy.shape == course.loss.shape == course.norm_perp.shape == (2, 5)
        assert course.entries.shape == (2, 5, len(experiment.protocol.entries))
        assert np.ptp(course.loss, axis=0).min() > 0


def test_a_seed_is_the_same_alone_and_in_company(experiment, sample):
    alone = Experiment(experiment.protocol, sample, (1,))
    for method, course in alone.courses.items():
        np.testing.assert_array_equal(course.entries[0], experiment.courses[method].entries[1])
        np.testing.assert_array_equal(course.accuracy[0], experiment.courses[method].accuracy[1])


def test_courses_end_at_the_trained_network(experiment):
    protocol, (X, labels) = experiment.protocol, augmented_data(experiment)
    for method, course in experiment.courses.items():
        problem = experiment.problems[method]
        network = lv.train(problem, optimizer=protocol.optimizer(), epochs=protocol.epochs, seeds=(1,)).network
        W = problem.lift(network.weights[1] @ network.weights[0])
        assert course.accuracy[1, -1] == pytest.approx(np.mean((X @ W.T).argmax(axis=1) == labels), abs=1e-12), method
        ends = [W[entry] for entry in protocol.entries]
        close("followed entries", course.entries[1, -1], ends, norms=np.linalg.norm(W), dims=W.shape)


def test_seen_and_frozen_parts_add_up(experiment):
    course = experiment.courses[AUGMENTED]
    close(
        "seen² + frozen² = total²",
        course.norm_seen**2 + course.norm_frozen**2,
        course.norm_perp**2,
        norms=np.linalg.norm(course.norm_perp**2),
        dims=experiment.inputs.shape,
    )
    assert not experiment.courses[HARD_WIRED].norm_perp.any()


def test_what_black_borders_hide_stays_frozen(experiment, sample):
    """Means over 2 x 2 leave them black; of these images bicubic resizing does not."""
    course = Experiment(replace(experiment.protocol, resize="mean"), sample, (0,)).courses[AUGMENTED]
    assert course.norm_frozen.min() > 0


def test_no_seed_is_refused(sample, experiment):
    with pytest.raises(ValueError, match="0 seeds"):
        Experiment(experiment.protocol, sample, ())
