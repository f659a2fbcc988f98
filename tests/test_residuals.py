"""The worst residual of each function stays within three times what is stored."""

import inspect
import itertools
import json

import pytest

import linvariance as lv
import residuals
from test_names import ROOMS
from tolerances import GATE

STORED = json.loads(residuals.STORED.read_text(encoding="utf-8"))
MARGIN = 3.0


@pytest.mark.parametrize("name", residuals.RESIDUALS)
def test_residuals_are_no_larger_than_stored(name):
    ratio, draw = residuals.worst(name)
    assert ratio <= min(GATE, MARGIN * STORED[name]), f"{name}: {ratio:.3g}, stored {STORED[name]:.3g}, {draw}"


DESCRIPTIONS = (  # what they return holds no numbers of the data
    *("Problem", "Representation", "Permutations", "Matrices", "Distribution", "Init", "Averaged", "FiniteWidth"),
    *("tuple[Representation, ...]", "Callable[[npt.ArrayLike], Array]", "dict[str, str]"),
)


def test_every_public_function_of_numbers_has_a_row_or_a_reason():
    """A new one fails here until it has either."""
    rooms = [("", lv), *((f"{name}.", getattr(lv, name)) for name in ROOMS)]
    public = [(prefix + name, getattr(room, name)) for prefix, room in rooms for name in room.__all__]
    functions = {one: name for name, one in reversed(public) if inspect.isfunction(one)}  # by the shortest name
    assert len(functions) > 90
    numbers = {n for f, n in functions.items() if inspect.signature(f).return_annotation not in DESCRIPTIONS}
    rows = set(itertools.chain(*(key.split(", ") for key in residuals.RESIDUALS)))
    exempt = list(itertools.chain(*residuals.EXEMPT.values()))
    assert numbers - rows == set(exempt), "each has a row in RESIDUALS, or a reason in EXEMPT"
    assert len(exempt) == len(set(exempt))


def test_the_page_shows_what_is_stored():
    shown = residuals.BETWEEN.search(residuals.PAGE.read_text(encoding="utf-8"))[0]
    assert residuals.table(STORED) in shown
    assert STORED.keys() == residuals.RESIDUALS.keys()
