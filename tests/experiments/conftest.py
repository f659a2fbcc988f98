"""A small experiment of each loss, trained once for all tests of this folder."""

from dataclasses import replace

import pytest

import idx
from linvariance.datasets import Digits
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.nonlinear import NonlinearExperiment, NonlinearProtocol
from linvariance.experiments.protocol import PROTOCOLS

SMALL = tuple(replace(protocol, samples=60, epochs=20, every=5, widths=(8, 32, 128), draws=3) for protocol in PROTOCOLS)
NONLINEAR = NonlinearProtocol(samples=(30, 60), epochs=20, every=5, held_out=10, gaussians=20)
LOSSES = [protocol.loss for protocol in SMALL]


@pytest.fixture(scope="session")
def sample():
    """60 images of the digits 0 to 8."""
    return SMALL[0].sample(Digits(*idx.blobs(100), "a test"))


@pytest.fixture(scope="session")
def linear(sample):
    """That of each loss, from two seeds."""
    return {protocol.loss: Experiment(protocol, sample, (0, 1)) for protocol in SMALL}


@pytest.fixture(scope="session")
def experiments(linear, nonlinear):
    """Those that figures look at, by name."""
    return {**linear, "nonlinear": nonlinear}


@pytest.fixture(scope="session", params=LOSSES)
def experiment(request, experiments):
    """Of either loss."""
    return experiments[request.param]


@pytest.fixture(scope="session")
def squared(experiments):
    """Of the squared loss, whose optima are known in closed form."""
    return experiments["squared"]


@pytest.fixture(scope="session")
def cross_entropy(experiments):
    """Of cross-entropy."""
    return experiments["cross_entropy"]


@pytest.fixture(scope="session")
def nonlinear():
    """Two seeds, all activations and widths."""
    return NonlinearExperiment(NONLINEAR, *NONLINEAR.split(Digits(*idx.blobs(100), "a test"), None), (0, 1))


@pytest.fixture
def small(monkeypatch):
    """The command line with the small protocols in place of the paper's."""
    monkeypatch.setattr("linvariance.experiments.cli.PROTOCOLS", SMALL)
    monkeypatch.setattr("linvariance.experiments.cli.NONLINEAR", NONLINEAR)
    return SMALL


@pytest.fixture
def folder(tmp_path):
    """A folder with IDX files of 100 images."""
    return idx.write(tmp_path / "digits", *idx.blobs(100))
