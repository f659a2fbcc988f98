"""The protocol: what the paper fixes, and the conversion from PyTorch's loss scale to that of a Problem."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

import linvariance as lv
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.protocol import PROTOCOLS, Protocol
from tolerances import EPS


def test_the_followed_pixels_are_one_orbit_of_the_rotations():
    protocol = Protocol()
    image = np.arange(protocol.side**2).reshape(protocol.side, protocol.side)
    for pixel in protocol.pixels:
        i, j = divmod(pixel, protocol.side)
        assert {int(np.rot90(image, k)[i, j]) for k in range(4)} == set(protocol.pixels)


def slope_of_pytorchs_mean(loss, Z, Y):
    """The gradient in the outputs Z (d_L, n), for one-hot targets Y, of PyTorch's mean reduction."""
    if loss == "squared":
        return 2 * (Z - Y) / Y.size
    return (softmax(Z, axis=0) - Y) / Y.shape[1]


def adam_on_pytorchs_scale(W1, W2, X, Y, G, protocol, strength, steps):
    """PyTorch's Adam on its mean loss of W_2 W_1 X plus strength·‖W_2 W_1 G‖²; X, Y have samples as columns."""
    beta1, beta2 = protocol.betas
    weights, m, v = [W1, W2], [0.0, 0.0], [0.0, 0.0]
    for step in range(1, steps + 1):
        W = weights[1] @ weights[0]
        D = slope_of_pytorchs_mean(protocol.loss, W @ X, Y) @ X.T + 2 * strength * W @ G @ G.T
        for j, gradient in enumerate((weights[1].T @ D, D @ weights[0].T)):
            m[j] = beta1 * m[j] + (1 - beta1) * gradient
            v[j] = beta2 * v[j] + (1 - beta2) * gradient**2
            scale = np.sqrt(v[j]) / np.sqrt(1 - beta2**step) + protocol.eps
            weights[j] = weights[j] - protocol.learning_rate / (1 - beta1**step) * m[j] / scale
    return weights[1] @ weights[0]


@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.loss)
def test_training_is_that_of_pytorchs_mean_reduction(protocol, place, sample):
    protocol = replace(protocol, samples=len(sample), epochs=50)
    strength, experiment = protocol.strengths[place], Experiment(protocol, sample, (3,))
    method = experiment.learned[1 + place]
    assert method.name == f"regularized {strength:g}"
    trace = lv.train(
        experiment.problems[method],
        optimizer=protocol.optimizer(),
        epochs=protocol.epochs,
        seeds=(3,),
        record=lv.Record(every=protocol.epochs, weights=True),
    )
    W1, W2 = lv.train(experiment.problems[method], epochs=0, seeds=(3,)).network.weights
    X, Y = experiment.inputs.T, sample.targets(protocol.classes).T
    p = experiment.rotations.generators[0]
    G = np.eye(len(p)) - np.eye(len(p))[:, p].T
    twin = adam_on_pytorchs_scale(W1, W2, X, Y, G, protocol, strength, protocol.epochs)
    # Where a gradient is about 0, its rounding moves the weight by up to lr·EPS/ε a step, seldom more than a few times.
    rounding = 5 * protocol.learning_rate * EPS / protocol.eps
    np.testing.assert_allclose(trace.weights[-1], twin, atol=rounding, rtol=1e-12)


def test_the_sample_leaves_out_one_digit_and_keeps_the_order(sample):
    assert len(sample) == 60
    assert sample.class_counts[9] == 0
    assert min(sample.class_counts[:9]) > 0
