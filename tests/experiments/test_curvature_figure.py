"""Curvature along training: what the figure tells is the spectrum of the dense Hessian at networks trained alone."""

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments.figures import FIGURES
from linvariance.experiments.methods import AUGMENTED, HARD_WIRED


def test_its_numbers_are_those_of_the_dense_hessian(squared):
    result = FIGURES["curvature"].make(squared)
    found = {row[:3]: row[3] for row in result.rows if row[0] != "density"}
    protocol = squared.protocol
    for method in (HARD_WIRED, AUGMENTED, squared.learned[1]):
        problem = squared.problems[method]
        for epochs in (0, 10, protocol.epochs):
            run = lv.train(problem, optimizer=protocol.optimizer(), epochs=epochs, seeds=squared.seeds[:1])
            values = np.linalg.eigvalsh(lv.hessian(problem, run.network).to_dense())
            unit = 100 * np.finfo(float).eps * np.abs(values).max()
            assert found["largest eigenvalue", method.name, epochs] == pytest.approx(values[-1], rel=1e-12)
            assert found["smallest eigenvalue", method.name, epochs] == pytest.approx(values[0], abs=unit)
    epochs = {row[1] for row in result.rows if row[0] == "density"}
    assert epochs == {f"augmented, epoch {epoch}" for epoch in (0, 2, protocol.epochs)}
