"""What this installation is made of."""

from __future__ import annotations

import platform
from importlib.metadata import version

from . import _core


def show_config() -> dict[str, str]:
    """Versions of the package and of what it was built with: Eigen (and where from), compiler, instruction set.

    >>> show_config()["eigen_source"] in ("system", "cmeel-eigen")
    True
    """
    packages = {name: version(name) for name in ("linvariance", "numpy", "scipy")}
    return {**packages, "python": platform.python_version(), "machine": platform.machine(), **_core.build}
