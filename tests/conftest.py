"""Hypothesis profiles, the helper modules' path, and the table of worst ratios at the end of a run."""

import os
import sys
from pathlib import Path

# The matrices are small and the machine is shared: two BLAS threads that spin for each other cost up to ten times.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # tests/paper finds oracles, strategies and tolerances

import tolerances

# deadline None: the machine is shared. database None: a run leaves nothing behind and depends on nothing before it.
common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("default", **common, max_examples=100)
settings.register_profile("ci", **common, max_examples=100, derandomize=True, database=None)
settings.register_profile("few", **common, max_examples=10, derandomize=True, database=None)  # tests/mutants.py
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture
def rng():
    return np.random.default_rng(20250613)


@pytest.fixture(autouse=True)
def no_open_figures():
    """What `plot()` opens stays with pyplot until it is closed."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # pytest-xdist: a worker hands its ratios to the controller
        session.config.workeroutput["ratios"] = {
            claim: [float(ratio), test] for claim, (ratio, test) in tolerances.worst.items()
        }


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for claim, (ratio, test) in getattr(node, "workeroutput", {}).get("ratios", {}).items():
        if not ratio <= tolerances.worst.get(claim, (-1.0, ""))[0]:
            tolerances.worst[claim] = (ratio, test)


def pytest_terminal_summary(terminalreporter):
    if not tolerances.worst:
        return
    terminalreporter.section(f"worst ratios (gate {tolerances.GATE:g})")
    for claim, (ratio, test) in sorted(tolerances.worst.items(), key=lambda item: -item[1][0]):
        terminalreporter.write_line(f"{ratio:10.3g}  {claim}  [{test}]")
