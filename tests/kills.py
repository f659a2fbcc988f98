"""kill -9 while files are written: what is there is whole, and another run ends with the very same bits.

`python tests/kills.py 50` kills every kind of writer 50 times and prints how many were caught in the act.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import idx

SECONDS = 120
SAVE = """
import sys, numpy as np, linvariance as lv
X = np.random.default_rng(0).standard_normal((700, 600))
m = [lv.Moments.from_data(X, X[:, k]) for k in range(2)]
for k in range(int(sys.argv[2])):
    m[k % 2].save(sys.argv[1])
"""


@dataclass(frozen=True)
class Writer:
    """A command that writes into a folder, and how one knows that it has begun to.

    Attributes:
        command: from the folders of inputs and of outputs, and whether it is to end by itself.
        begun: pattern of what is there then.
        window: seconds after that in which it is killed.
    """

    command: Callable[[Path, Path, bool], Sequence[object]]
    begun: str
    window: float


def python(*arguments):
    return [sys.executable, *map(str, arguments)]


WRITERS = {
    "Moments.save": Writer(
        lambda _, out, ends: python("-c", SAVE, out / "m.npz", 2 if ends else 10**6), "m.npz", window=0.3
    ),
    "reproduce": Writer(
        lambda given, out, _: python("-m", "linvariance", "reproduce", "fig1", "--data", given, "--out", out),
        ".unfinished-*",
        window=3.0,
    ),
    "landscape": Writer(
        lambda given, out, _: python(
            *("-m", "linvariance", "landscape", given / "own.npz", "--group", "cyclic:12", "--method", "augmented"),
            *("--rank", 2, "--epochs", 300, "--out", out),
        ),
        ".unfinished-*",
        window=1.5,
    ),
}


def inputs(folder):
    """Digits and data of one's own, for commands to read."""
    X = np.random.default_rng(0).standard_normal((100, 12))
    np.savez(idx.write(folder, *idx.blobs(1300)) / "own.npz", X=X, Y=X[:, :5])
    return folder


def contents(folder):
    """Bytes by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unfinished(folder):
    """What bears the mark of being written."""
    return [path for path in folder.rglob("*") if path.name.startswith(".unfinished-") or path.suffix == ".part"]


def finish(writer, given, out):
    """All files after an undisturbed run."""
    subprocess.run(writer.command(given, out, True), check=True, capture_output=True, timeout=SECONDS)
    assert not unfinished(out), unfinished(out)
    return contents(out)


def kill(writer, given, out, wait):
    """Kill it so many seconds after it has begun to write; whether it left something unfinished."""
    command = writer.command(given, out, False)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + SECONDS
        while not list(out.glob(writer.begun)) and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(wait)
        os.kill(run.pid, signal.SIGKILL)
    return bool(unfinished(out))


def trial(writer, given, out, wait, reference):
    """Kill, look at what is there, run again: AssertionError unless all is whole and ends as it must."""
    caught = kill(writer, given, out, wait)
    marked = unfinished(out)
    for path in out.rglob("*"):
        if path.is_file() and not any(path == mark or mark in path.parents for mark in marked):
            name = str(path.relative_to(out))
            assert path.read_bytes() in reference[name], f"{name} is not whole"
    assert finish(writer, given, out) in [{name: whole[-1] for name, whole in reference.items()}]
    return caught


def trials(name, count, given, home, seed=0):
    """How many of so many kills left something unfinished; each is of a folder of its own."""
    writer, rng = WRITERS[name], np.random.default_rng(seed)
    (home / "reference").mkdir()
    final = finish(writer, given, home / "reference")
    reference = {file: [content] for file, content in final.items()}
    if name == "Moments.save":  # the first of two moments may be there, too
        subprocess.run(
            python("-c", SAVE, home / "reference" / "m.npz", 1), check=True, capture_output=True, timeout=SECONDS
        )
        reference["m.npz"].insert(0, (home / "reference" / "m.npz").read_bytes())
    caught = 0
    for k in range(count):
        (home / str(k)).mkdir()
        caught += trial(writer, given, home / str(k), rng.uniform(0, writer.window), reference)
    return caught


if __name__ == "__main__":
    number = int(sys.argv[1])
    for kind in sys.argv[2:] or WRITERS:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            found = trials(kind, number, inputs(place / "inputs"), place)
            sys.stdout.write(f"{kind}: {number} of {number} whole and ended alike; {found} caught in the act\n")
            sys.stdout.flush()
