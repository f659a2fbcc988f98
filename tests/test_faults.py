"""Killed processes, full disks, folders that cannot be written to, two writers at once: whole files or a sentence."""

import subprocess
import sys
import textwrap
import threading

import pytest

import interruptions
import kills
import linvariance as lv
from linvariance import files
from linvariance.experiments import cli
from linvariance.unfinished import unfinished

MOMENTS = lv.Moments.from_data([[1.0, 2.0], [3.0, 5.0], [2.0, 1.0]], [1.0, 2.0, 0.0])
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks, signals and limits")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    return kills.inputs(tmp_path_factory.mktemp("given"))


@posix
@pytest.mark.parametrize("name", kills.WRITERS)
def test_after_kill_9_all_is_whole_and_another_run_ends_alike(name, given, tmp_path):
    """`python tests/kills.py 50` does more of them."""
    kills.trials(name, 2, given, tmp_path)


@posix
@pytest.mark.parametrize("name", interruptions.CALLS)
def test_ctrl_c_ends_long_calls(name):
    """Within seconds on any machine; `python tests/interruptions.py 50` measures how fast."""
    assert (interruptions.latencies(name, [0.1], 120) < 20).all()


@posix
def test_only_what_nobody_holds_is_swept(tmp_path):
    (tmp_path / "m.npz.0.part").write_text("killed")
    (tmp_path / "other.npz.0.part").write_text("another file's")
    with unfinished(tmp_path, "m.npz.", ".part", lambda path: path.touch()) as held:
        MOMENTS.save(tmp_path / "m.npz")
        assert {path.name for path in tmp_path.iterdir()} == {"m.npz", "other.npz.0.part", held.name}
    assert not held.exists()


@posix
def test_two_runs_into_one_folder(given, tmp_path):
    writer = kills.WRITERS["landscape"]
    alone, together = tmp_path / "alone", tmp_path / "together"
    runs = [subprocess.Popen(writer.command(given, together, True), stderr=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        assert (run.communicate(timeout=kills.SECONDS), run.returncode)[1] == 0
    assert kills.contents(together) == kills.finish(writer, given, alone)
    assert not kills.unfinished(together)


def test_threads_that_save_and_load_one_file(tmp_path):
    MOMENTS.save(tmp_path / "m.npz")
    failures = []

    def use():
        try:
            for _ in range(30):
                MOMENTS.save(tmp_path / "m.npz")
                assert lv.Moments.load(tmp_path / "m.npz").n == 3
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


@posix
def test_a_file_that_grows_too_large_leaves_the_older_one(tmp_path):
    """A limit on the size of files fails as a full disk does, halfway."""
    MOMENTS.save(tmp_path / "m.npz")
    script = """
        import resource, sys, numpy as np, linvariance as lv
        X = np.random.default_rng(0).standard_normal((200, 100))
        m = lv.Moments.from_data(X, X[:, 0])
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        try:
            m.save(sys.argv[1])
        except OSError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "m.npz")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told == f"{tmp_path / 'm.npz'} cannot be written: file too large. Make room, or choose another disk.\n"
    assert lv.Moments.load(tmp_path / "m.npz").inputs == 2
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


@posix
def test_figures_that_do_not_fit_are_told_and_leave_nothing(given, tmp_path):
    script = """
        import resource, sys
        from linvariance.experiments import cli
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        sys.exit(cli.main(sys.argv[1:]))
    """
    out = tmp_path / "out"
    command = kills.WRITERS["landscape"].command(given, out, True)
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *command[3:]], capture_output=True, text=True, check=False
    )
    assert told.returncode == cli.REFUSED
    assert f"linvariance: {out} cannot be written: file too large. Make room, or choose another disk." in told.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("place", "kind", "words"),
    [
        ("none/m.npz", FileNotFoundError, "make the folder first"),
        ("file/m.npz", OSError, "Look for a misspelt name|Choose another place"),
        (".", OSError, "cannot be written"),
    ],
)
def test_places_that_cannot_be_written_to_are_told(place, kind, words, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(kind, match=words) as told:
        MOMENTS.save(tmp_path / place)
    assert str(tmp_path / place) in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("code", files.STEPS)
def test_the_next_step_is_told_whatever_fails(code, tmp_path, monkeypatch):
    """As root no permission is denied, so the failure is played."""

    def fail(*args, **kwargs):
        raise OSError(code, "As the system says")

    monkeypatch.setattr("numpy.savez", fail)
    with pytest.raises(OSError, match=rf"m\.npz cannot be written: as the system says\. {files.STEPS[code]}") as told:
        MOMENTS.save(tmp_path / "m.npz")
    assert told.value.errno == code
    assert not list(tmp_path.iterdir())


def test_a_file_that_vanished_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.npz cannot be read: no such file or directory\. Look for"):
        lv.Moments.load(tmp_path / "gone.npz")
