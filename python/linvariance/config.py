"""What this installation is made of."""

from __future__ import annotations

import platform
from importlib.metadata import version

from . import _core


def show_config() -> dict[str, str]:
    """Versions of the package and of what it was built with: Eigen (and where from), compiler, kernels.

    `kernels` names the instruction set in use, one of `kernel_levels` (baseline, x86-64-v3, x86-64-v4: what this
    processor runs). The best one is chosen at import; the environment variable LINVARIANCE_KERNELS forces another.
    Levels differ in the last bits; on one level results are the same bits for any number of threads.

    >>> show_config()["eigen_source"] in ("system", "cmeel-eigen")
    True
    """
    packages = {name: version(name) for name in ("linvariance", "numpy", "scipy")}
    return {**packages, "python": platform.python_version(), "machine": platform.machine(), **_core.build}
