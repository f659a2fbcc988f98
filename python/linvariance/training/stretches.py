"""Runs stretch by stretch, and what happens between two: checkpoints, progress, an end before the last epoch."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..arrays import Array, instance
from ..progress import Progress, meter
from . import checkpoints
from .optimizers import Adam
from .runs import Runs
from .state import State
from .trace import Trace
from .until import NEVER, Until

CHECKPOINT_SECONDS = 10.0
REPORT_SECONDS = 0.5  # a stretch costs 12 ms at most on 784 inputs, where it ends in an epoch that is recorded anyway
APART = 10  # epochs between two that are looked at for a report alone: on Samples another half of an epoch


def run(
    state: State,
    shapes: Sequence[tuple[int, ...]],
    activation: str,
    end: int,
    *,
    past: Trace | None = None,
    until: Until | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: Progress = False,
) -> Trace:
    """The runs from a state to their end, with the trace of what led to the state before it."""
    if until is not None:
        instance(until, Until, "until", "e.g. Until(gradient_norm=1e-8)")
    checkpoints.check(checkpoint, past)
    state = replace(state, until=until)
    runs = Runs(state, shapes, activation, end, threads)
    if past is not None:
        runs.remember(past)
    core = NEVER if until is None else until.core()
    seconds = REPORT_SECONDS if progress is not False else math.inf if checkpoint is None else CHECKPOINT_SECONDS
    length, due, over = 1, -math.inf, False
    with meter(progress, "Epochs", end) as report:
        while not over:
            begin, start = runs.state.epoch, time.monotonic()
            stop = end if seconds == math.inf else min(end, _end_of_stretch(begin, length, state.record.every))
            runs.advance(stop, core)
            now = time.monotonic()
            ended = _asks_to_end(report(runs.epoch, _shown(runs.loss)))
            over = ended or stop == end or runs.state.has_ended
            if checkpoint is not None and (over or now >= due):
                _one_or_all(runs.trace()).save(checkpoint)
                due = now + max(CHECKPOINT_SECONDS, 10 * (time.monotonic() - now))
            length = max(1, int((stop - begin) * min(4.0, seconds / max(now - start, 1e-9))))
    trace = runs.trace()
    _warn_of_divergence(trace)
    return _one_or_all(trace)


def _one_or_all(trace: Trace) -> Trace:
    """That of a single run without the axes that tell runs apart."""
    return trace.at(0, 0) if trace.loss.shape[:2] == (1, 1) else trace


def _end_of_stretch(begin: int, length: int, every: int) -> int:
    """After about so many epochs: in one that is recorded anyway, if there is one on the way or soon."""
    recorded = (begin + length) // every * every
    return recorded if recorded > begin else min(recorded + every, begin + max(length, APART))


def _shown(loss: Array) -> float | Array:
    """What a callback hears: an array of its own, of a single run a number."""
    return float(loss[0, 0]) if loss.size == 1 else loss.copy()


def _asks_to_end(answer: object) -> bool:
    """Whether a callback returned True; many return what they happened to call, as `file.write` its count."""
    if isinstance(answer, np.ndarray):
        raise TypeError(
            f"progress returned an array of shape {answer.shape}, but must return True to end all runs, or None: e.g. "
            "(loss < 1e-3).all()."
        )
    return isinstance(answer, (bool, np.bool_)) and bool(answer)


def _warn_of_divergence(trace: Trace) -> None:
    state = trace.state
    diverged = np.argwhere((~np.isfinite(trace.loss) & (trace.epochs <= trace.ends[..., np.newaxis])).any(axis=-1))
    if not len(diverged) or state is None:
        return
    without_eps = isinstance(state.optimizer, Adam) and state.optimizer.eps == 0
    remedy = "lower the learning rate" + (", or pass eps > 0, since Adam divides by the gradient's size" * without_eps)
    if state.diverged.any():
        epochs = np.where(state.diverged, state.stopped, trace.epochs[-1] + 1)
        problem, seed = np.unravel_index(int(np.argmin(epochs)), epochs.shape)
        when = f"in epoch {epochs[problem, seed]}"
    else:
        firsts = [int(np.argmin(np.isfinite(trace.loss[i, k]))) for i, k in diverged]
        place = int(np.argmin(firsts))
        problem, seed = diverged[place]
        when = f"between epochs {trace.epochs[max(firsts[place] - 1, 0)]} and {trace.epochs[firsts[place]]}"
    warnings.warn(
        f"{len(diverged)} runs diverged, first problem {problem} at seeds[{seed}], {when}: {remedy}.",
        RuntimeWarning,
        stacklevel=4,
    )
