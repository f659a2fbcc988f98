"""Where the numbers of a figure come from: everything one needs to get them again, and nothing that varies besides."""

from dataclasses import asdict
from typing import Any

from linvariance.datasets import Digits
from linvariance.experiments.code import versions
from linvariance.experiments.nonlinear import AnyExperiment, NonlinearExperiment


def provenance(experiment: AnyExperiment) -> dict[str, Any]:
    """Seeds, data, protocol, loss with its scale, and versions, ready for JSON."""
    return {
        "seeds": list(experiment.seeds),
        "data": data(experiment.digits),
        **({"test_data": data(experiment.test)} if isinstance(experiment, NonlinearExperiment) else {}),
        "protocol": asdict(experiment.protocol),
        "loss": experiment.protocol.loss,
        "loss_scale": experiment.protocol.loss_scale,
        "versions": versions(),
    }


def data(digits: Digits) -> dict[str, Any]:
    """A sample of digits: its source, size, class counts from 0 on, and hash."""
    return {
        "source": digits.source,
        "n": len(digits),
        "class_counts": list(digits.class_counts),
        "sha256": digits.sha256,
    }


def tools() -> str:
    """The versions as a list in a sentence."""
    return ", ".join(f"{name} {version}" for name, version in versions().items())
