"""Progress: the same results, calls counted to the end, exceptions of a callback pass, bars or lines on stderr."""

import sys

import numpy as np
import pytest

from bad_inputs.progress import CALLS, OPERATOR
from linvariance import curvature, progress


@pytest.mark.parametrize("name", CALLS)
def test_a_callback_hears_of_every_step_and_may_end_the_call(name):
    call, total = CALLS[name]
    heard = []
    np.testing.assert_array_equal(call(lambda *facts: heard.append(facts)), call(False))
    assert heard == sorted(heard)
    assert heard[-1] == (total or 3, total)
    with pytest.raises(ZeroDivisionError):
        call(lambda done, total: 1 / 0)


def test_lanczos_counts_products(monkeypatch):
    monkeypatch.setattr(curvature.spectrum, "EXACT", 2)
    heard = []
    ends = curvature.extremes(OPERATOR, progress=lambda *facts: heard.append(facts))
    np.testing.assert_array_equal(ends.highest, curvature.extremes(OPERATOR).highest)
    assert heard == [(k, None) for k in range(1, len(heard) + 1)]
    assert len(heard) > OPERATOR.shape[0] // 2


def test_a_bar_on_stderr(capsys):
    pytest.importorskip("rich")
    CALLS["error"][0](True)
    out, err = capsys.readouterr()
    assert not out
    assert "Elements" in err
    assert "4/4" in err


def test_lines_without_rich(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    CALLS["error"][0](True)
    CALLS["matrices"][0](True)
    assert capsys.readouterr().err == "Elements: 4 of 4\n"  # shorter than a second: the last line alone
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    list(progress.followed("ab", "Letters", True))
    assert capsys.readouterr().err == "Letters: 1 of 2\nLetters: 2 of 2\n"
    CALLS["matrices"][0](True)
    assert capsys.readouterr().err == "Elements: 3\n"
