"""Doctests of every public module."""

import doctest
import importlib
import importlib.util
import pkgutil

import pytest

import linvariance

HEAVY = {"plots": "matplotlib", "experiments": "matplotlib", "estimators": "sklearn"}
OPTIONAL = {  # what the example of a method needs, where the rest of its module does not
    "from_dask": "dask",
    "from_torch": "torch",
    "plot": "matplotlib",
    "to_frame": "pandas",
    "to_torch": "torch",
}
NAMES = sorted(
    module.name
    for module in pkgutil.walk_packages(linvariance.__path__, "linvariance.")
    if not module.name.endswith(("__main__", "._core"))
)


@pytest.mark.parametrize("name", NAMES)
def test_doctests(name):
    needed = HEAVY.get(name.split(".")[1])
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"{name} needs {needed}, which is not installed")
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(importlib.import_module(name)):
        needed = OPTIONAL.get(example.name.split(".")[-1])
        if needed is None or importlib.util.find_spec(needed) is not None:
            runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


PUBLIC = [name for name in linvariance.__all__ if callable(getattr(linvariance, name))]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_say_what_they_are(name):
    """A definition; for functions a proof of life too."""
    doc = getattr(linvariance, name).__doc__
    assert doc
    assert len(doc.splitlines()[0]) > 10
