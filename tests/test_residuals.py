"""The worst residual of each function stays within three times what is stored."""

import json

import pytest

import residuals
from tolerances import GATE

STORED = json.loads(residuals.STORED.read_text(encoding="utf-8"))
MARGIN = 3.0


@pytest.mark.parametrize("name", residuals.RESIDUALS)
def test_residuals_are_no_larger_than_stored(name):
    ratio, draw = residuals.worst(name)
    assert ratio <= min(GATE, MARGIN * STORED[name]), f"{name}: {ratio:.3g}, stored {STORED[name]:.3g}, {draw}"


def test_the_page_shows_what_is_stored():
    shown = residuals.BETWEEN.search(residuals.PAGE.read_text(encoding="utf-8"))[0]
    assert residuals.table(STORED) in shown
    assert STORED.keys() == residuals.RESIDUALS.keys()
