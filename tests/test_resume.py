"""Resumed runs are uninterrupted ones, bit for bit: any optimizer, data, precision, split, process, after kill -9."""

import itertools
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import linvariance as lv
import methods
from linvariance.training import stretches
from test_training import CASE

RULES = {
    "adam": lv.Adam(1e-2),
    "adamw": lv.AdamW(lv.rates.WarmUp(lv.rates.Cosine(1e-2, 90), 10)),
    "descent": lv.GradientDescent(0.01, 0.9),
    "nesterov": lv.GradientDescent(lv.rates.Exponential(0.01, 0.99), 0.9, 0.01, nesterov=True),
    "rmsprop": lv.RMSprop(lv.rates.Step(1e-3, 20, 0.5), momentum=0.5, centered=True),
}
REP = lv.groups.image_rotations(4)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}


def data_of(kind):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((900, 16))
    if kind == "moments":
        return lv.Moments.from_data(X, rng.standard_normal((900, 3)))
    return lv.Samples(X, rng.integers(0, 3, 900), loss="cross_entropy")


DATA = {kind: data_of(kind) for kind in ("moments", "samples")}
PROBLEMS = {  # of several dims and ranks
    kind: [lv.augmented(data, REP, rank=2), lv.unconstrained(data, rank=2), lv.hard_wired(data, REP, rank=1)]
    for kind, data in DATA.items()
}


TRACE = lv.train(PROBLEMS["moments"][0], epochs=1)


def equal(some, others):
    for a, b in zip(some, others, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def same(one, other):
    """All of two traces, states included, to the bit."""
    for field in fields(lv.Trace):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("seeds", "methods"):
            assert a == b
            continue
        if field.name == "networks":
            a, b = ([network.flat for of_one in each for network in of_one] for each in (a, b))
            equal(a, b)
            continue
        if field.name == "state":
            for name in ("steps", "stopped", "turned", "diverged"):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
            for name in ("layers", "means"):
                equal(getattr(a, name), getattr(b, name))
            assert (a.epoch, a.seeds, a.optimizer, a.record) == (b.epoch, b.seeds, b.optimizer, b.record)
        elif a is None or b is None:
            assert a is b
        elif field.name == "layers":
            equal([one for of_one in a for one in of_one], [one for of_one in b for one in of_one])
        else:
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b, err_msg=field.name)


@pytest.mark.parametrize("seed", range(100))
def test_any_split_of_any_run(seed):
    rng = np.random.default_rng(seed)
    rule = RULES[list(RULES)[seed % 5]]
    kind = ("moments", "samples")[seed // 5 % 2]
    many = seed // 10 % 2
    problems = PROBLEMS[kind] if many else PROBLEMS[kind][int(rng.integers(3))]
    epochs = int(rng.integers(2, 200 if kind == "moments" else 12))
    how = {"optimizer": rule, "seeds": (3, 8) if many else (5,), "dtype": (np.float64, np.float32)[rng.integers(2)]}
    if kind == "samples":
        how["batches"] = (None, lv.Batches(128), lv.Batches(3))[rng.integers(3)]
        how["activation"] = ("identity", "tanh")[rng.integers(2)]
        how["biases"] = bool(rng.integers(2))
    record = {
        "every": int(rng.integers(1, 30)),
        "entries": [(0, 1)],
        "weights": bool(rng.integers(2)) and how.get("activation") != "tanh",
    }
    how["record"] = lv.Record(**record, networks=bool(rng.integers(2)))
    cuts = np.unique([0, *rng.integers(0, epochs + 1, 3), epochs]).tolist()
    whole = lv.train(problems, epochs=epochs, threads=int(rng.integers(1, 5)), **how)
    trace = lv.train(problems, epochs=cuts[1], threads=int(rng.integers(1, 5)), **how)
    for begin, end in itertools.pairwise(cuts[1:]):
        trace = lv.resume(trace, epochs=end - begin, threads=int(rng.integers(1, 5)))
    same(trace, whole)


def test_in_the_eigenbasis_before_it_and_across():
    p = methods.problem(CASE, "augmented")
    how = {"optimizer": lv.GradientDescent(0.01, 0.9), "record": lv.Record(every=25, networks=True)}
    whole = lv.train(p, epochs=300, **how)
    assert whole.state.turned.all()
    for cut in (100, 127, 128, 129, 200):
        part = lv.train(p, epochs=cut, **how)
        assert part.state.turned.all() == (cut > 128)
        same(lv.resume(part, epochs=300 - cut), whole)
        np.testing.assert_array_equal(part.network.flat, lv.train(p, epochs=cut, **how).network.flat)


@pytest.mark.parametrize("kind", ["moments", "samples"])
@pytest.mark.parametrize("rule", RULES)
def test_in_another_process(rule, kind, tmp_path):
    """From a file, on the problems posed anew."""
    how = {"optimizer": RULES[rule], "epochs": 10, "record": lv.Record(every=3, networks=True), "seeds": (1, 2)}
    if kind == "samples":
        how |= {"batches": lv.Batches(100), "biases": True}
    lv.train(PROBLEMS[kind][1], **how).save(tmp_path / "part.npz")
    script = f"""
        import linvariance as lv
        import test_resume
        part = lv.Trace.load({str(tmp_path / "part.npz")!r})
        lv.resume(part, test_resume.PROBLEMS[{kind!r}][1], epochs=140).save({str(tmp_path / "whole.npz")!r})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, env=ENVIRONMENT)
    same(lv.Trace.load(tmp_path / "whole.npz"), lv.train(PROBLEMS[kind][1], **{**how, "epochs": 150}))


def test_what_cannot_go_on_is_refused(tmp_path):
    p, other, _ = PROBLEMS["moments"]
    trace = lv.train(p, epochs=20)
    trace.save(tmp_path / "trace.npz")
    with pytest.raises(ValueError, match="hold no data: pass the problems"):
        lv.resume(lv.Trace.load(tmp_path / "trace.npz"), epochs=1)
    with pytest.raises(ValueError, match=r"loss of .*, but trace recorded .*: pass those"):
        lv.resume(trace, other, epochs=1)
    near = lv.augmented(DATA["moments"], REP, rank=2, ridge=1e-6)
    with pytest.raises(ValueError, match=r"loss of .*, but trace recorded .*: pass those") as told:
        lv.resume(trace, near, epochs=1)
    found, recorded = re.findall(r"\d\.\d+", str(told.value))
    assert found != recorded
    assert found[:6] == recorded[:6]
    with pytest.raises(ValueError, match="problems are 2, but trace is of 1"):
        lv.resume(trace, [p, p], epochs=1)
    same(lv.resume(trace, epochs=0), trace)


def test_one_of_many_runs_alone():
    many = lv.train(PROBLEMS["moments"], epochs=33, seeds=(1, 2))
    same(lv.resume(many.at(1, 0), epochs=20), lv.train(PROBLEMS["moments"][1], epochs=53, seeds=(1,)))


# ----------------------------------------------------------------------------------------------------- stopping rules


@pytest.mark.parametrize("kind", ["moments", "samples", "batches"])
def test_rules_stop_where_the_uninterrupted_run_first_obeys_them(kind):
    p = PROBLEMS[kind.replace("batches", "samples")][0]
    how = {"optimizer": lv.Adam(0.02), "record": lv.Record(every=4, networks=True), "seeds": (0, 1, 2)}
    how |= {"batches": lv.Batches(64)} if kind == "batches" else {}
    whole = lv.train(p, epochs=60, **how)
    loss = whole.loss[0]
    norms = np.array(
        [
            [
                np.linalg.norm(np.concatenate([g.ravel() for g in lv.value_and_gradient(p, n)[1]]))
                for _, n in whole.states(0, k)
            ]
            for k in range(3)
        ]
    )
    changes = np.abs(np.diff(loss, prepend=np.inf)) / np.r_["1", np.full((3, 1), 1.0), np.abs(loss[:, :-1])]
    level = np.sort(loss.min(axis=1))[1]  # two of three runs get there
    rules = {
        "loss": (level, loss),
        "gradient_norm": (np.median(norms), norms),
        "relative_change": (np.median(changes[:, 1:]), changes),
    }
    for name, (limit, measured) in rules.items():
        trace = lv.train(p, epochs=60, until=lv.Until(**{name: limit * (1 + 1e-9)}), **how)
        for k in range(3):
            reached = np.flatnonzero(measured[k] <= limit * (1 + 1e-9))
            place = int(reached[0]) if len(reached) else len(loss[k]) - 1
            assert trace.state.stopped[0, k] == (4 * place if len(reached) else -1)
            assert trace.ends[0, k] == 4 * place
            for field in ("loss", "norm", "layers"):
                found, expected = getattr(trace, field)[0][k], getattr(whole, field)[0][k]
                np.testing.assert_array_equal(found[: place + 1], expected[: place + 1])
                assert np.isnan(found[place + 1 :]).all()
            np.testing.assert_array_equal(trace.network(0, k).flat, whole.network_at(4 * place, 0, k).flat)
        assert trace.epochs[-1] == trace.ends.max()


def test_a_stopped_run_goes_on_as_if_it_never_had():
    p = PROBLEMS["samples"][0]
    how = {"optimizer": lv.Adam(1e-4), "batches": lv.Batches(64)}
    whole = lv.train(p, epochs=60, **how)
    stopped = lv.train(p, epochs=10_000, until=lv.Until(loss=float(whole.loss[2])), **how)
    assert stopped.epochs[-1] == 20
    same(lv.resume(stopped, epochs=40), whole)


def scattered(rule=RULES["descent"], kind="moments", **how):
    """Three problems x two seeds, each ended where its loss was first at a level; and where they would have gone."""
    how |= {"optimizer": rule, "seeds": (3, 8), "record": lv.Record(every=3, networks=True, entries=[(0, 1)])}
    whole = lv.train(PROBLEMS[kind], epochs=240, **how)
    until = lv.Until(loss=float(np.median(whole.loss[..., 10:60])))
    return lv.train(PROBLEMS[kind], epochs=200, until=until, **how), until, how


@pytest.mark.parametrize("how", [{}, {"kind": "samples", "batches": lv.Batches(128)}], ids=["moments", "batches"])
@pytest.mark.parametrize("rule", ["descent", "adam"])
def test_runs_that_ended_in_different_epochs(rule, how, tmp_path):
    """Each knows where, is there in tables and files as far as it went, and goes on from there alone."""
    trace, until, how = scattered(RULES[rule], **how)
    problems = trace.state.problems
    assert len(set(trace.ends.ravel())) > 2
    assert f"up to epochs {trace.ends.min()} .. {trace.ends.max()}, final loss" in repr(trace)
    trace.save(tmp_path / "trace.npz")
    same(lv.Trace.load(tmp_path / "trace.npz"), trace)
    with pytest.raises(ValueError, match=rf"{trace.ends.min()} \.\. {trace.ends.max()}: .* resume\(trace\.at\(i, k\)"):
        lv.resume(trace, epochs=30)
    table = trace.to_frame()
    for (i, k), end in np.ndenumerate(trace.ends):
        one = trace.at(i, k)
        assert one.epochs[-1] == one.ends == one.state.epoch == end
        assert one.final_loss == one.loss[-1] == trace.final_loss[i, k]
        np.testing.assert_array_equal(one.network_at(int(end)).flat, trace.network(i, k).flat)
        assert table[(table.problem == i) & (table.seed == trace.seeds[k])].epoch.tolist() == one.epochs.tolist()
        alone = {**how, "seeds": how["seeds"][k : k + 1]}
        same(one, lv.train(problems[i], epochs=200, until=until, **alone))
        same(lv.resume(one, epochs=40), lv.train(problems[i], epochs=int(end) + 40, **alone))
        if end < trace.epochs[-1]:
            with pytest.raises(ValueError, match=rf"never reached: run \({i}, {k}\) ended in epoch {end}"):
                trace.network_at(int(end) + 3, i, k)


@pytest.mark.parametrize("rule", ["descent", "adam"])
def test_under_the_same_rules_what_stopped_stays(rule, tmp_path):
    """So that what was killed ends as it would have."""
    whole, until, how = scattered(RULES[rule])
    for cut in (20, int(np.median(whole.ends)), 199, int(whole.ends.max())):
        part = lv.train(PROBLEMS["moments"], epochs=cut, until=until, **how)
        part.save(tmp_path / "part.npz")
        again = lv.resume(lv.Trace.load(tmp_path / "part.npz"), PROBLEMS["moments"], epochs=200 - cut, until=until)
        same(again, whole)


def test_a_rule_of_ones_own_ends_as_the_packages_do():
    """With NaN after the end."""
    _, until, how = scattered()
    ours = lv.train(PROBLEMS["moments"], epochs=200, until=until, **{**how, "optimizer": lv.GradientDescent(0.01)})

    def rule(weights, gradient, state):
        return [W - 0.01 * G for W, G in zip(weights, gradient, strict=True)]

    own = lv.train(PROBLEMS["moments"], epochs=200, until=until, **{**how, "optimizer": rule})
    np.testing.assert_array_equal(own.ends, ours.ends)
    for name in ("loss", "norm", "norm_seen", "entries"):
        np.testing.assert_array_equal(np.isnan(getattr(own, name)), np.isnan(getattr(ours, name)))
    assert np.isnan(own.layers[0][0][own.epochs > own.ends[0, 0]]).all()


# -------------------------------------------------------------------------------------------------------- checkpoints


def test_checkpoints_change_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(stretches, "CHECKPOINT_SECONDS", 1e-4)
    for kind, problems in PROBLEMS.items():
        epochs = 5000 if kind == "moments" else 10
        how = {"epochs": epochs, "record": lv.Record(every=7, networks=True), "seeds": (1, 2)}
        trace = lv.train(problems, checkpoint=tmp_path / f"{kind}.npz", **how)
        same(trace, lv.train(problems, **how))
        same(lv.Trace.load(tmp_path / f"{kind}.npz"), trace)
    assert {path.name for path in tmp_path.iterdir()} == {"moments.npz", "samples.npz"}


def test_a_checkpoint_takes_the_place_of_its_own_past_alone(tmp_path):
    p, file = PROBLEMS["moments"][0], tmp_path / "it.npz"
    how = {"record": lv.Record(every=10), "seeds": (0, 1)}
    whole = lv.train(p, epochs=95, **how)
    part = lv.train(p, epochs=37, checkpoint=file, **how)
    with pytest.raises(ValueError, match=r"up to epoch 37: go on by resume\(Trace\.load\(path\), .*, or remove it"):
        lv.train(p, epochs=95, checkpoint=file, **how)
    same(lv.Trace.load(file), part)
    longer = lv.resume(part, epochs=20)
    for trace in (part, lv.resume(part, epochs=0), longer):  # from itself, and from what it led to
        part.save(tmp_path / "again.npz")
        again = lv.resume(trace, epochs=95 - int(trace.epochs[-1]), checkpoint=tmp_path / "again.npz")
        same(again, whole)
        same(lv.Trace.load(tmp_path / "again.npz"), whole)
    for other in (
        longer,  # what there is to lose
        part.at(0, 0),
        lv.train(p, epochs=37, **{**how, "seeds": (0, 2)}),
        lv.train(p, epochs=37, **{**how, "optimizer": lv.Adam(1e-2)}),
        lv.train(p, epochs=35, **{**how, "record": lv.Record(every=7)}),
    ):
        other.save(file)
        before = file.read_bytes()
        with pytest.raises(ValueError, match=r"that did not lead to the one resumed, up to epoch 37: resume that one"):
            lv.resume(part, epochs=10, checkpoint=file)
        assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["data.csv", "moments.npz", "empty.npz"])
def test_a_checkpoint_takes_the_place_of_nothing_else(name, tmp_path):
    p, file = PROBLEMS["moments"][0], tmp_path / name
    if name == "moments.npz":
        DATA["moments"].save(file)
    else:
        file.write_text("a,b\n1,2\n" if name == "data.csv" else "")
    before = file.read_bytes()
    for run in (lambda: lv.train(p, epochs=1, checkpoint=file), lambda: lv.resume(TRACE, epochs=1, checkpoint=file)):
        with pytest.raises(ValueError, match=rf"there already: .*{name} holds no Trace .* another name, or remove it"):
            run()
        assert file.read_bytes() == before


def test_the_lines_that_survive_a_kill(tmp_path):
    """Those of docs/data.md, called until they are through."""
    page = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    lines = page.split("from pathlib import Path\n")[1].split("```")[0].replace('"runs.npz"', "file")
    problems = PROBLEMS["moments"]
    losses = lv.train(problems, epochs=3000, seeds=range(5)).loss
    until = lv.Until(loss=float(np.median(losses[..., 20:60])))
    whole = lv.train(problems, epochs=3000, seeds=range(5), until=until)
    assert len(set(whole.ends.ravel())) > 2
    for epochs in (17, 400, 3000, 3000):
        names = {"lv": lv, "Path": Path, "file": tmp_path / "runs.npz", "problems": problems, "until": until}
        exec(lines.replace("3000", str(epochs)), names)
    same(names["trace"], whole)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("kill", range(20))
def test_kill_9_at_any_time_loses_one_interval(kill, tmp_path):
    kind, total, every = (("moments", 5_000_000, 1000), ("samples", 30_000, 50))[kill % 2]
    file = tmp_path / "here.npz"
    how = f"optimizer=lv.Adam(1e-3), record=lv.Record(every={every})" + (
        ", batches=lv.Batches(100)" if kind == "samples" else ""
    )
    script = f"""
        import linvariance as lv
        import test_resume
        from linvariance.training import stretches
        stretches.CHECKPOINT_SECONDS, save = 0.01, lv.Trace.save
        def told(trace, path):
            save(trace, path)
            print(trace.epochs[-1], flush=True)
        lv.Trace.save = told
        print("ready", flush=True)
        lv.train(test_resume.PROBLEMS[{kind!r}][0], epochs={total}, checkpoint={str(file)!r}, {how})
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        while not file.exists():
            assert process.poll() is None
            time.sleep(0.005)
        time.sleep(np.random.default_rng(kill).uniform(0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        reached = [int(line) for line in process.stdout]
    part = lv.Trace.load(file)
    epochs = int(part.epochs[-1])
    assert 0 < epochs < total
    assert epochs >= max(reached, default=0)  # what was there before the kill is there after it
    p = PROBLEMS[kind][0]
    options = eval(f"dict({how})", {"lv": lv})
    same(lv.resume(part, p, epochs=60), lv.train(p, epochs=epochs + 60, **options))
