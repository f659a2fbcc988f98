"""Packages that are imported where they are used, or a sentence that says how to install them."""

from importlib import import_module
from typing import Any


def needed(module: str, who: str) -> Any:
    """The module; ImportError with the name of its package if that is not installed.

    >>> needed("math", "This line").pi > 3
    True
    >>> needed("no_such_package.part", "This line")
    Traceback (most recent call last):
    ImportError: This line needs no_such_package: pip install no_such_package.
    """
    package = module.split(".", maxsplit=1)[0]
    try:
        return import_module(module)
    except ImportError:
        raise ImportError(f"{who} needs {package}: pip install {package}.") from None
