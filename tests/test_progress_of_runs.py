"""Progress of training: not a bit is different, callbacks hear what is in the trace, True ends runs that can go on."""

import sys
from functools import partial

import numpy as np
import pytest

import linvariance as lv
from linvariance.training import stretches
from test_resume import PROBLEMS, RULES, same

EPOCHS = {"moments": 400, "samples": 44}


@pytest.fixture
def often(monkeypatch):
    """Stretches of about a millisecond."""
    monkeypatch.setattr(stretches, "REPORT_SECONDS", 1e-3)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("every", [1, 7, 1000])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", ["moments", "samples", "batches", "eigenbasis", "own"])
def test_not_a_bit_is_different(kind, threads, every):
    problems = PROBLEMS["samples" if kind in ("samples", "batches") else "moments"]
    how = {"epochs": 30, "seeds": (1, 2), "threads": threads, "record": lv.Record(every=every, entries=[(0, 1)])}
    if kind == "batches":
        how |= {"batches": lv.Batches(100), "activation": "tanh", "dtype": np.float32}
    if kind == "moments":
        how["epochs"] = 4000
    if kind == "eigenbasis":
        how |= {"optimizer": RULES["descent"], "epochs": 400}
    if kind == "own":
        how["optimizer"] = lambda weights, gradient, state: [
            W - 0.01 * G for W, G in zip(weights, gradient, strict=True)
        ]
    heard = []
    trace = lv.train(problems, progress=lambda *facts: heard.append(facts), **how)
    same(trace, lv.train(problems, **how))
    done = [facts[0] for facts in heard]
    assert done == sorted(set(done))
    assert done[-1] == how["epochs"]
    assert len(done) > 1 + (every < 10)
    for epoch, total, loss in heard:
        assert total == how["epochs"]
        assert loss.shape == (3, 2)
        if epoch in trace.epochs:
            np.testing.assert_array_equal(loss, trace.loss[:, :, np.searchsorted(trace.epochs, epoch)])


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("kind", ["moments", "samples"])
def test_true_ends_runs_that_can_go_on(kind):
    p = PROBLEMS[kind][0]
    how = {"epochs": EPOCHS[kind], "optimizer": lv.Adam(0.01), "record": lv.Record(every=4, networks=True)}
    whole = lv.train(p, **how)
    level = float(whole.loss[2])
    heard = []

    def below(done, total, loss):
        heard.append(loss)
        return loss < level

    part = lv.train(p, progress=below, **how)
    last = int(part.epochs[-1])
    assert 0 < last < EPOCHS[kind]
    assert part.loss[-1] == heard[-1] < level <= heard[-2]
    again = []
    same(lv.resume(part, epochs=EPOCHS[kind] - last, progress=lambda *facts: again.append(facts)), whole)
    assert last < again[0][0] <= again[-1][0] == again[-1][1] == EPOCHS[kind]


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("kind", ["moments", "samples"])
def test_losses_of_runs_that_stopped_or_diverged(kind):
    p = PROBLEMS[kind][0]
    how = {"epochs": EPOCHS[kind], "optimizer": lv.Adam(0.01), "record": lv.Record(every=2), "seeds": range(4)}
    level = float(np.sort(lv.train(p, **how).loss[0, :, -20])[1])  # two or more of four runs get there
    heard = []
    trace = lv.train(p, until=lv.Until(loss=level), progress=lambda *facts: heard.append(facts), **how)
    assert (trace.state.stopped >= 0).sum() >= 2
    runs = [trace.at(0, k) for k in range(4)]
    for epoch, _, loss in heard:
        np.testing.assert_array_equal(loss, [[run.loss[run.epochs <= epoch][-1] for run in runs]])
    heard.clear()
    ended = lv.train(p, until=lv.Until(loss=1e9), progress=lambda *facts: heard.append(facts), **how)
    np.testing.assert_array_equal(heard[-1][2], ended.loss[..., -1])
    assert [facts[:2] for facts in heard] == [(0, EPOCHS[kind])]
    with pytest.warns(RuntimeWarning, match="diverged"):
        lv.train(p, progress=lambda *facts: heard.append(facts), **{**how, "optimizer": lv.GradientDescent(1e300)})
    assert heard[-1][0] == EPOCHS[kind]
    assert np.isnan(heard[-1][2]).all()


@pytest.mark.usefixtures("often")
def test_with_checkpoints_and_an_end_the_last_is_of_the_end(tmp_path):
    p = PROBLEMS["moments"][0]
    part = lv.train(p, epochs=10**7, checkpoint=tmp_path / "a.npz", progress=lambda done, total, loss: done > 100)
    same(lv.Trace.load(tmp_path / "a.npz"), part)


def test_comparisons_tell_of_their_runs():
    data, rep = lv.Moments.from_data(np.eye(4), np.arange(4.0)), lv.groups.cyclic(4)
    heard = []
    found = lv.compare(
        data, rep, rank=1, strengths=[0.1], epochs=50, held_out=data, progress=lambda *facts: heard.append(facts)
    )
    assert heard[-1][:2] == (50, 50)
    np.testing.assert_array_equal(heard[-1][2], found.trace.loss[..., -1])


@pytest.mark.parametrize("call", [partial(lv.train, PROBLEMS["moments"], epochs=3), partial(lv.resume, epochs=3)])
def test_exceptions_pass_and_arrays_are_refused(call):
    if call.func is lv.resume:
        call = partial(call, lv.train(PROBLEMS["moments"], epochs=3))
    with pytest.raises(ZeroDivisionError):
        call(progress=lambda *facts: 1 / 0)
    with pytest.raises(TypeError, match=r"progress returned an array of shape \(3, 1\), but must return True"):
        call(progress=lambda done, total, loss: loss < 1)
    assert call(progress=lambda *facts: 7).epochs[-1] in (3, 6)  # such as the count that a file's write returns


def test_a_bar_and_lines(capsys, monkeypatch):
    lv.train(PROBLEMS["moments"], epochs=30, progress=False)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    lv.train(PROBLEMS["moments"], epochs=30, progress=True)
    assert capsys.readouterr() == ("", "Epochs: 30 of 30\n")
    monkeypatch.undo()
    pytest.importorskip("rich")
    lv.train(PROBLEMS["moments"], epochs=30, progress=True)
    out, err = capsys.readouterr()
    assert not out
    assert "Epochs" in err
    assert "30/30" in err
