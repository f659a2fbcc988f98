"""kill -9 while files are written: what is there is whole, and another run ends with the very same bits.

`python tests/kills.py 50` kills every kind of writer 50 times and prints a table: how many were caught in the act, and
the longest that another run took. It ends at the first kill after which something is not whole, or ends otherwise.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import idx
import linvariance as lv

SECONDS = 120
SAVE = """
import sys, numpy as np, linvariance as lv
X = np.random.default_rng(0).standard_normal((700, 600))
m = [lv.Moments.from_data(X, X[:, k]) for k in range(2)]
for k in range(int(sys.argv[2])):
    m[k % 2].save(sys.argv[1])
"""
TRAIN = """
import sys
from pathlib import Path
import numpy as np, linvariance as lv
from linvariance.training import stretches
stretches.CHECKPOINT_SECONDS = 0.02
X = np.random.default_rng(0).standard_normal((200, 100))
p, file, epochs = lv.unconstrained(lv.Moments.from_data(X, X[:, :5]), rank=5), Path(sys.argv[1]), 16000
if not file.exists():
    lv.train(p, epochs=epochs, record=lv.Record(every=4, networks=True), checkpoint=file)
elif rest := epochs - int(lv.Trace.load(file).epochs[-1]):
    lv.resume(lv.Trace.load(file), p, epochs=rest, checkpoint=file)
"""


def whole_bytes(path, allowed):
    """A file that may be there only as a run that is not killed leaves it."""
    assert path.read_bytes() in allowed, f"{path.name} is not whole"


def whole_trace(path, allowed):
    """A checkpoint: the states of the undisturbed run up to some epoch."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path.name).write_bytes(allowed[-1])
        end = lv.Trace.load(Path(folder) / path.name)
    undisturbed = {epoch: network.flat for epoch, network in end.states()}
    for epoch, network in lv.Trace.load(path).states():
        expected = undisturbed.get(epoch, network.flat)  # the last epoch is there too, which is recorded nowhere else
        assert np.array_equal(network.flat, expected), f"epoch {epoch} of {path.name} is not that of a whole run"


@dataclass(frozen=True)
class Writer:
    """A command that writes into a folder, and how one knows that it has begun to.

    Attributes:
        command: from the folders of inputs and of outputs, and whether it is to end by itself.
        begun: pattern of what is there then.
        window: seconds after that in which it is killed.
        whole: looks at a file that a killed run left, given what undisturbed ones leave.
    """

    command: Callable[[Path, Path, bool], Sequence[object]]
    begun: str
    window: float
    whole: Callable[[Path, Sequence[bytes]], None] = whole_bytes


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
    "train": Writer(lambda _, out, __: python("-c", TRAIN, out / "run.npz"), "run.npz", window=0.5, whole=whole_trace),
    "train, as it writes": Writer(
        lambda _, out, __: python("-c", TRAIN, out / "run.npz"), "run.npz.*.part", window=0.02, whole=whole_trace
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
            time.sleep(0.002)
        time.sleep(wait)
        run.kill()
    return bool(unfinished(out))


def trial(writer, given, out, wait, reference):
    """Kill, look at what is there, run again: AssertionError unless all is whole and ends as it must."""
    caught = kill(writer, given, out, wait)
    marked = unfinished(out)
    for path in out.rglob("*"):
        if path.is_file() and not any(path == mark or mark in path.parents for mark in marked):
            writer.whole(path, reference[str(path.relative_to(out))])
    start = time.monotonic()
    assert finish(writer, given, out) == {name: whole[-1] for name, whole in reference.items()}
    return caught, time.monotonic() - start


def trials(name, count, given, home, seed=0):
    """Whether each of so many kills left something unfinished, and the seconds of the run after it."""
    writer, rng = WRITERS[name], np.random.default_rng(seed)
    (home / "reference").mkdir()
    final = finish(writer, given, home / "reference")
    reference = {file: [content] for file, content in final.items()}
    if name == "Moments.save":  # the first of two moments may be there, too
        subprocess.run(
            python("-c", SAVE, home / "reference" / "m.npz", 1), check=True, capture_output=True, timeout=SECONDS
        )
        reference["m.npz"].insert(0, (home / "reference" / "m.npz").read_bytes())
    found = []
    for k in range(count):
        (home / str(k)).mkdir()
        found.append(trial(writer, given, home / str(k), rng.uniform(0, writer.window), reference))
    return found


def main(count, names):
    """A row for each kind, and what all of them come to."""
    total = 0
    sys.stdout.write(
        "| writer | whole, ended alike | caught in the act | longest run after it, s |\n|---|---|---|---|\n"
    )
    for name in names or WRITERS:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            caught, seconds = zip(*trials(name, count, inputs(place / "inputs"), place), strict=True)
        total += count
        sys.stdout.write(f"| {name} | {count} of {count} | {sum(caught)} | {max(seconds):.1f} |\n")
        sys.stdout.flush()
    sys.stdout.write(f"{total} of {total} kills: all whole, all ended alike.\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
