"""Progress: the same results, calls counted to the end, exceptions of a callback pass, bars or lines on stderr."""

import sys

import numpy as np
import pytest

import linvariance as lv
from linvariance import progress

RNG = np.random.default_rng(0)
X, REP = RNG.standard_normal((6, 4)), lv.groups.cyclic(4)
PROBLEM = lv.augmented(lv.Moments.from_data(X, X[:, :3]), REP, rank=2)
NETWORK = lv.Network([RNG.standard_normal((2, 4)), RNG.standard_normal((3, 2))])
OPERATOR = lv.hessian(PROBLEM, NETWORK)
RUN = lv.train(PROBLEM, epochs=2, record=lv.Record(every=1, networks=True))

CALLS = {
    "elements": (lambda p: REP.elements(progress=p), 4),
    "matrices": (lambda p: lv.groups.matrices([[[0.0, -1.0], [1.0, -1.0]]]).elements(progress=p), None),
    "another basis": (lambda p: lv.groups.change_of_basis(REP, np.tri(4)).elements(progress=p), 4),
    "isotypic": (lambda p: lv.groups.isotypic(REP, progress=p).basis, 6),
    "sharpness": (lambda p: lv.curvature.sharpness(PROBLEM, [NETWORK] * 3, progress=p), 3),
    "sampled_density": (
        lambda p: lv.curvature.sampled_density(OPERATOR, probes=2, rng=np.random.default_rng(0), progress=p).density,
        100,
    ),
    "densities of a run": (
        lambda p: lv.curvature.sampled_density(
            lv.hessian(PROBLEM, RUN), probes=2, rng=np.random.default_rng(0), degree=9, progress=p
        )[-1].density,
        3,
    ),
    "accuracy": (lambda p: lv.invariance.accuracy(np.eye(4), X, [0, 1, 2, 3, 0, 1], REP, progress=p), 4),
    "error": (lambda p: lv.invariance.error(NETWORK, X, REP, progress=p), 4),
    "sampled_error": (
        lambda p: lv.invariance.sampled_error(NETWORK, X, REP, draws=7, rng=np.random.default_rng(0), progress=p).value,
        7,
    ),
    "learning_curve": (
        lambda p: lv.learning_curve(X, X[:, 0], REP, rank=1, strength=0.1, sizes=[3], seeds=[0, 1], progress=p).loss,
        2,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_callback_hears_of_every_step_and_may_end_the_call(name):
    call, total = CALLS[name]
    heard = []
    np.testing.assert_array_equal(call(lambda *facts: heard.append(facts)), call(False))
    assert heard == sorted(heard)
    assert heard[-1] == (total or 3, total)
    with pytest.raises(ZeroDivisionError):
        call(lambda done, total: 1 / 0)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_progress_is_refused(name):
    with pytest.raises(TypeError, match="progress must be True, False or a function"):
        CALLS[name][0]("yes")


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
