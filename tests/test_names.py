"""What completion offers is the interface, no more and no less."""

import importlib
import types

import pytest

import linvariance as lv

ROOMS = (
    "groups",
    "curvature",
    "dynamics",
    "invariance",
    "kernels",
    "selection",
    "augmentation",
    "init",
    "rates",
    "estimators",
)


def test_names_of_the_package():
    extra = {name for name in dir(lv) if not name.startswith("__")} - set(lv.__all__)
    assert extra == {*lv.estimators.__all__, "estimators"} - {"cross_entropy"}
    modules = {name for name in dir(lv) if isinstance(getattr(lv, name), types.ModuleType)}
    assert modules == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_names_of_a_room(room):
    module = importlib.import_module(getattr(lv, room).__name__)
    assert sorted(dir(module)) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
