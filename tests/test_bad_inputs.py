"""Every bad input ends in a ValueError or TypeError that names the argument: no crash, no hang, no wrong answer."""

import importlib
import inspect
import multiprocessing
import re

import pytest

import bad_inputs
import linvariance as lv
from test_names import ROOMS

SECONDS = 20.0  # a case takes a millisecond, the first one an import


class Worker:
    """A process that tries cases; a crash or a hang costs the process and fails the case."""

    def __init__(self):
        self.process = None

    def attempt(self, name):
        if self.process is None:
            self._start()
        self.connection.send(name)
        if not self.connection.poll(SECONDS):
            self.stop()
            return f"no answer within {SECONDS:g} s"
        try:
            return self.connection.recv()
        except EOFError:
            code = self.process.join(5) or self.process.exitcode
            self.stop()
            return f"the process died (exit code {code})"

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.connection.close()
            self.process = None

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=bad_inputs.serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.stop()


@pytest.mark.parametrize("name", bad_inputs.CASES)
def test_refused_by_name(worker, name):
    verdict = worker.attempt(name)
    assert verdict is None, verdict


def test_a_crash_and_a_hang_are_noticed(worker, monkeypatch):
    """The harness itself: an unknown case kills the worker, and the next one is tried in a new process."""
    assert "died" in worker.attempt("no such case")
    assert worker.attempt(next(iter(bad_inputs.CASES))) is None


FREE = {("compare", "training"), ("init.given", "network")}  # checked under other names: those of train, weights


def functions():
    """name -> function, of the interface."""
    for room in (None, *ROOMS):
        module = importlib.import_module(getattr(lv, room).__name__) if room else lv
        for name in module.__all__:
            if inspect.isfunction(value := getattr(module, name)):
                yield name if room is None else f"{room}.{name}", value


@pytest.mark.parametrize(("name", "function"), list(functions()))
def test_every_parameter_has_its_rows(name, function):
    """From the signatures, so that a new function or parameter without bad inputs is a failure."""
    rows = [
        argument
        for area in bad_inputs.AREAS
        for table in ("ARRAY_ARGUMENTS", "SCALARS")
        for called, argument in getattr(area, table, {})
        if re.search(rf"\b{name.split('.')[-1]}\b", called)
    ]
    missing = [
        one for one in inspect.signature(function).parameters if not any(re.search(rf"\b{one}\b", r) for r in rows)
    ]
    assert not [one for one in missing if (name, one) not in FREE], f"{name} has no bad inputs for {missing}"
