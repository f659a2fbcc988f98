"""What was computed before is found again, whole, for the very same question only; anything else is computed."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import idx
import linvariance as lv
from linvariance.datasets import Digits
from linvariance.experiments import cli
from linvariance.experiments import code as code_room
from linvariance.experiments.cache import Cache, key
from linvariance.experiments.figures import chosen
from linvariance.experiments.reproduce import reproduce

NAMES = ("fig1", "fig5", "fig7", "fig11")  # of every experiment, with and without training


@pytest.fixture
def work(monkeypatch):
    """Counts of what is trained and drawn (the pictures themselves are left out); empty it between calls."""
    done, train = [], lv.train

    def spy_train(*args, **kwargs):
        done.append("train")
        return train(*args, **kwargs)

    def spy_save(figure, path):
        done.append(path.stem)
        path.write_bytes(f"{path.stem} of {len(figure.axes)} panels".encode())

    monkeypatch.setattr("linvariance.train", spy_train)
    monkeypatch.setattr("linvariance.plots.save", spy_save)
    return done


@pytest.fixture
def ask(experiments, tmp_path, work):
    """Make figures in one folder, from fresh experiments, with their cache: contents of the folder, work."""
    few = replace(experiments["nonlinear"].protocol, activations=("relu", "tanh"), hidden=(7,))
    tiny = experiments | {"nonlinear": replace(experiments["nonlinear"], protocol=few)}

    def call(names=("fig1",), fresh=False, **changes):
        work.clear()
        cache = Cache(tmp_path / "out" / ".cache", fresh)
        needed = {figure.experiment for figure in chosen(names)}
        new = {name: replace(tiny[name], cache=cache, **{"seeds": (0,)} | changes) for name in needed}
        reproduce(chosen(names), new, tmp_path / "out", cache=cache)
        return {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}, sorted(work)

    return call


def test_a_second_call_computes_nothing_and_leaves_the_same_files(ask, tmp_path):
    first, work = ask(NAMES)
    assert work.count("train") > 4
    assert set(NAMES) < set(work)
    (tmp_path / "out" / "fig1.png").write_bytes(b"damaged")
    (tmp_path / "out" / "fig5.csv").unlink()
    assert ask(NAMES) == (first, [])
    assert ask(NAMES, fresh=True) == (first, work)
    assert ask(NAMES) == (first, [])


def test_another_figure_of_the_same_networks_trains_nothing(ask):
    assert ask(("fig1",))[1] == ["fig1", "train", "train"]
    assert ask(("fig2", "fig3"))[1] == ["fig2", "fig3"]


def test_one_more_seed_trains_that_seed_only(ask):
    one = ask(("fig1", "fig7", "fig11"))[1].count("train")
    assert ask(("fig1", "fig7", "fig11"), seeds=(0, 1))[1].count("train") == one
    assert "train" not in ask(("fig1", "fig7", "fig11"), seeds=(1, 0))[1]


def test_one_changed_byte_of_the_digits_computes_anew(ask, experiments):
    first, work = ask()
    digits = experiments["squared"].digits
    images = digits.images.copy()
    images[0, 14, 14] ^= 1
    again, same_work = ask(digits=Digits(images, digits.labels, digits.source))
    assert again != first
    assert same_work == work


@pytest.mark.parametrize("change", [{"learning_rate": 1.1e-3}, {"epochs": 15}, {"resize": "mean"}])
def test_another_protocol_computes_anew(change, ask, experiments):
    first, work = ask()
    again, same_work = ask(protocol=replace(experiments["squared"].protocol, **change))
    assert again != first
    assert same_work == work


def test_other_test_digits_draw_figure_11_anew_and_train_nothing(ask, experiments):
    assert "train" in ask(("fig11",))[1]
    assert ask(("fig11",), test=experiments["nonlinear"].test.first(5))[1] == ["fig11"]


def test_other_code_computes_anew_and_sweeps_what_nobody_asks_for(ask, monkeypatch, tmp_path):
    first, work = ask()
    notes = tmp_path / "out" / ".cache" / "notes.txt"
    notes.write_text("mine")
    monkeypatch.setattr("linvariance.experiments.cache.code", lambda: "f" * 64)
    assert ask() == (first, work)
    assert {path.name[:12] for path in notes.parent.iterdir()} == {"f" * 12, notes.name}


# What is code: a copy of the package, whose files may be changed

ASK = "from linvariance.experiments.code import code; print(code())"


def hash_of(package, **variables):
    environment = os.environ | {"PYTHONPATH": str(package.parent)} | variables
    return subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)


def test_a_changed_source_core_or_level_is_seen(tmp_path):
    package, core = tmp_path / "linvariance", Path(lv._core.__file__)
    shutil.copytree(code_room.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(core, package / core.name)
    found = [hash_of(package).stdout, hash_of(package, LINVARIANCE_KERNELS="baseline").stdout]
    for name in ("problems.py", "experiments/paper.json", core.name):
        content = (package / name).read_bytes()
        (package / name).unlink()  # never written over: another process may run it
        (package / name).write_bytes(content + b"\n")  # behind the end of a program, too
        found.append(hash_of(package).stdout)
    assert len(set(found)) == 5


@pytest.mark.parametrize("library", ["linvariance", "numpy", "kernels", "pillow", "matplotlib"])
def test_another_version_is_other_code(library, monkeypatch):
    other = code_room.versions() | {library: "another"}
    before = code_room.code()
    monkeypatch.setattr(code_room, "versions", lambda: other)
    assert code_room.code.__wrapped__() != before


# Damage


def damages(content, rng):
    """Ways in which a file may be other than it was written."""
    yield from (b"", content[: len(content) // 2], content[:-1], bytes(len(content)), b"not a cache")
    for place in rng.integers(len(content), size=60):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        yield bytes(flipped)


def test_whatever_is_damaged_is_not_found_or_unharmed(tmp_path, rng):
    cache, name = Cache(tmp_path), key("a")
    arrays = {"x": np.arange(50.0), "y": np.frombuffer(b"text", np.uint8)}
    cache.keep(name, arrays)
    (path,) = tmp_path.iterdir()
    content, refused = path.read_bytes(), 0
    for damaged in damages(content, rng):
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = cache.find(name)
        assert (found is None) == any("is damaged: what it held" in str(one.message) for one in said)
        refused += found is None
        if found is not None:  # the bit was one of a date, or such
            assert all(np.array_equal(found[part], array) for part, array in arrays.items())
    assert refused > 40
    path.write_bytes(content)
    path.rename(tmp_path / f"{key('b')}.npz")
    with pytest.warns(UserWarning, match="is damaged"):
        assert cache.find(key("b")) is None


def test_damaged_files_are_computed_anew(ask, tmp_path):
    first = ask()
    for path in (tmp_path / "out" / ".cache").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="computed anew"):
        assert ask() == first
    assert ask() == (first[0], [])


def test_a_cache_that_cannot_be_kept_is_no_error(ask, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".cache").write_text("in the way")
    first = ask(("fig5",))
    assert set(first[0]) == {".cache", "index.html", "fig5.png", "fig5.csv", "fig5.json"}
    assert first[0][".cache"] == b"in the way"
    assert ask(("fig5",)) == first


# Processes


def _keep(folder, k):
    cache = Cache(folder)
    for round_ in range(30):
        name = key(round_ % 5)
        cache.keep(name, {"x": np.full(2000, round_ % 5)})
        found = cache.find(name)
        assert found is not None
        assert (found["x"] == round_ % 5).all()


def test_processes_may_share_the_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_keep, args=(tmp_path, 0))
    worker.start()
    _keep(tmp_path, 1)
    worker.join(60)
    assert worker.exitcode == 0
    assert len(list(tmp_path.iterdir())) == 5


def test_a_killed_run_goes_on_where_it_stopped(tmp_path, work):
    folder, out = idx.write(tmp_path / "digits", *idx.blobs(1300)), tmp_path / "out"
    arguments = ["reproduce", "fig1", "--data", str(folder), "--out", str(out), "--seeds"]
    with subprocess.Popen([sys.executable, "-m", "linvariance", *arguments, "500"], stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 60
        while len(list(out.glob(".cache/*.npz"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    assert not list(out.glob("fig*"))
    assert cli.main([*arguments, "1"]) == 0
    assert work == ["fig1"]
    assert json.loads((out / "fig1.json").read_text(encoding="utf-8"))["seeds"] == [0]


@pytest.mark.usefixtures("small")
def test_the_command_keeps_and_fresh_computes(folder, tmp_path, work):
    arguments = ["reproduce", "fig2", "--data", str(folder), "--out", str(tmp_path / "out")]
    for more, computes in (([], True), ([], False), (["--fresh"], True)):
        assert cli.main([*arguments, *more]) == 0
        assert ("train" in work) == ("fig2" in work) == computes
        work.clear()
