"""One small experiment, trained once for all tests of this folder."""

import pytest

import idx
from linvariance.datasets import Digits
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.protocol import Protocol

SMALL = Protocol(samples=60, epochs=20, every=5)


@pytest.fixture(scope="session")
def sample():
    """60 images of the digits 0 to 8."""
    return SMALL.sample(Digits(*idx.blobs(100), "a test"))


@pytest.fixture(scope="session")
def experiment(sample):
    """Two seeds."""
    return Experiment(SMALL, sample, (0, 1))


@pytest.fixture
def small(monkeypatch):
    """The command line with the small protocol in place of the paper's."""
    monkeypatch.setattr("linvariance.experiments.cli.Protocol", lambda: SMALL)
    return SMALL


@pytest.fixture
def folder(tmp_path):
    """A folder with IDX files of 100 images."""
    return idx.write(tmp_path / "digits", *idx.blobs(100))
