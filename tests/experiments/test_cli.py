"""The command line: what it makes, what it refuses, and that it says so in a sentence."""

import importlib.util
import signal
import subprocess
import sys
import time

import pytest

import idx
import linvariance as lv
from linvariance.datasets import IMAGES, LABELS
from linvariance.experiments import cli
from linvariance.experiments.figures import FIGURES


def refused(capfd, *arguments):
    """The sentence with which the command refuses these arguments."""
    assert cli.main(list(map(str, arguments))) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("linvariance: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.fixture
def nothing_runs(monkeypatch):
    """Whatever is refused is refused before anything is computed."""

    def experiment(*args):
        raise AssertionError("computing has begun")

    monkeypatch.setattr(cli, "Experiment", experiment)
    monkeypatch.setattr(cli, "NonlinearExperiment", experiment)


@pytest.mark.usefixtures("small")
def test_reproduce_makes_the_figures_and_says_where(folder, tmp_path, capfd):
    out = tmp_path / "a" / "b"
    assert cli.main(["reproduce", "fig2", "fig5", "--data", str(folder), "--seeds", "2", "--out", str(out)]) == 0
    assert capfd.readouterr().out == f"Look at {out / 'index.html'}\n"
    assert {path.name for path in out.iterdir()} == {
        ".cache",
        "index.html",
        *(f"{name}.{kind}" for name in ("fig2", "fig5") for kind in ("png", "csv", "json")),
    }


@pytest.mark.usefixtures("small")
def test_all_figures_are_made_by_default(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", "--data", str(folder)]) == 0
    assert {f"{name}.png" for name in FIGURES} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["reproduce", "fig99"], "no figure 'fig99'"),
        (["reproduce", "fig1", "5"], "no figure '5'"),
        (["reproduce", "--seeds", "0"], "--seeds 0"),
        (["reproduce", "--seeds", "-3"], "--seeds -3"),
        (["reproduce", "--seeds", "two"], "two"),
        (["reproduce", "--seed", "2"], "--seed"),
        (["reproduce", "--resize", "cubic"], "--resize cubic"),
        (["reproduce", "--data", "nowhere"], "nowhere is not a folder"),
        (["redo"], "redo"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(arguments, words, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert words in refused(capfd, *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("nothing_runs")
def test_damaged_data_are_refused(folder, tmp_path, capfd):
    out, labels, images = tmp_path / "out", folder / LABELS, folder / IMAGES
    assert "1000 digits were asked for" in refused(capfd, "reproduce", "--data", folder, "--out", out)
    images.write_bytes(images.read_bytes()[:-1])
    assert f"{images} has" in refused(capfd, "reproduce", "--data", folder, "--out", out)
    labels.unlink()
    assert f"neither {LABELS}" in refused(capfd, "reproduce", "--data", folder, "--out", out)
    assert not out.exists()


@pytest.mark.usefixtures("nothing_runs")
def test_too_few_digits_for_the_nonlinear_networks_are_refused(tmp_path, capfd):
    folder = idx.write(tmp_path / "digits", *idx.blobs(1300))
    assert "takes at least 1501" in refused(capfd, "reproduce", "fig10", "--data", folder, "--out", tmp_path / "out")


@pytest.mark.usefixtures("nothing_runs")
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_data_are_read(tmp_path, capfd, monkeypatch):
    def load(*args, **kwargs):
        raise AssertionError("read")

    monkeypatch.setattr(cli, "load", load)
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        assert f"Nothing can be written to the folder {out}" in refused(capfd, "reproduce", "--out", out)


@pytest.mark.usefixtures("small")
def test_a_disk_that_fills_up_is_reported(folder, tmp_path, capfd, monkeypatch):
    def save(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("linvariance.plots.save", save)
    assert cli.main(["reproduce", "fig5", "--data", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "no space left on device. Make room" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", cli.NEEDED)
def test_without_the_extra_the_sentence_says_what_to_install(missing, capfd, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == missing else found(name))
    sentence = refused(capfd, "info")
    assert missing in sentence
    assert "pip install linvariance[experiments]" in sentence


def test_info_tells_the_build_and_the_figures(capfd):
    assert cli.main(["info"]) == 0
    shown = capfd.readouterr().out
    for words in (lv.__version__, lv.show_config()["eigen"], *FIGURES, "image-rotations:SIDE"):
        assert words in shown


@pytest.mark.parametrize("arguments", [["--help"], ["reproduce", "--help"], ["--version"]])
def test_help_is_no_error(arguments, capfd):
    assert cli.main(arguments) == 0
    assert capfd.readouterr().out


def answer_signals():
    """A child of a background job would inherit that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_but_what_it_finished(stop, tmp_path):
    folder, out = idx.write(tmp_path / "digits", *idx.blobs(1300)), tmp_path / "out"
    options = ["--data", folder, "--seeds", "500", "--out", out]
    command = [sys.executable, "-m", "linvariance", "reproduce", "fig1", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=answer_signals) as run:
        deadline = time.monotonic() + 60
        while not list(out.glob(".unfinished-*/..")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        assert run.poll() is None
        run.send_signal(stop)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert b"interrupted" in errors
    assert b"Traceback" not in errors
    assert not out.exists() or [path.name for path in out.iterdir()] == [".cache"]
