"""Full-batch training of deep linear networks on a problem's moments; every loop runs in C++."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .arrays import Array, instance, integer, listed
from .init import Init, pytorch
from .invariance import seen_and_frozen
from .networks import Network, check_widths
from .optimizers import Adam, GradientDescent, Optimizer
from .problems import Problem, refuse_without_moments
from .results import Trace

MEMORY_LIMIT = 2**30  # bytes of a Trace


@dataclass(frozen=True)
class Record:
    """What a Trace keeps: every `every` epochs the loss and norms, `entries` of W (row, column), W itself."""

    every: int = 10
    entries: Sequence[tuple[int, int]] = ()
    weights: bool = False

    def __post_init__(self) -> None:
        integer(self.every, "every")
        instance(self.weights, bool, "weights", "whether to keep W itself")
        for k, entry in enumerate(listed(self.entries, "entries")):
            if len(listed(entry, f"entries[{k}]")) != 2:
                raise ValueError(f"entries[{k}] must be a pair (row, column), but is {entry!r}.")


def train(
    problems: Problem | Sequence[Problem],
    widths: Sequence[int] | None = None,
    *,
    optimizer: Optimizer | None = None,
    epochs: int,
    seeds: Sequence[int] = (0,),
    init: Init | None = None,
    dtype: npt.DTypeLike = np.float64,
    record: Record | None = None,
    threads: int | None = None,
) -> Trace:
    """Trains a network on each problem from each seed, by full-batch descent on W_1, ..., W_L.

    An epoch costs O(h·d0²) for the first hidden width h, whatever the number of samples and the order of the group.
    Run (i, k) starts from init(widths, default_rng(seeds[k])) and is the same, bit for bit, alone or in company and
    for any number of threads. Ctrl-C ends all runs.

    Args:
        problems: one Problem or several of equal dim, rank and outputs.
        widths: d_0, ..., d_L; None means (dim, rank, outputs). Refused unless they start at dim, end at outputs and
            min(widths) == min(rank, dim, outputs), so that the network poses this very problem.
        optimizer: Adam() unless given.
        epochs: number of updates, 0 or more.
        seeds: of numpy's default_rng.
        init: init.pytorch() unless given.
        dtype: float64 or float32, of the weights and their updates; records are float64 always.
        record: what to keep; Record() unless given. Refused above 1 GiB.
        threads: at most this many, by default one for each processor; parallel over runs.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=2)
    >>> t = lv.train(p, optimizer=lv.Adam(lr=0.05), epochs=500)
    >>> t.network.widths, bool(abs(t.loss[-1] - lv.solve(p).loss) < 1e-6)
    ((3, 2, 3), True)
    """
    runs = [problems] if isinstance(problems, Problem) else listed(problems, "problems")
    first = _check_problems(runs)
    shape = _check_architecture(widths, first)
    epochs = integer(epochs, "epochs", minimum=0)
    seeds = [integer(seed, f"seeds[{k}]", minimum=0) for k, seed in enumerate(listed(seeds, "seeds"))]
    if not seeds:
        raise ValueError("seeds is empty: pass at least one, e.g. seeds=(0,).")
    kind = _kind(dtype)
    record = Record() if record is None else record
    instance(record, Record, "record", "e.g. Record(every=10)")
    optimizer = Adam() if optimizer is None else optimizer
    instance(optimizer, (Adam, GradientDescent), "optimizer", "e.g. Adam(lr=1e-3)")
    threads = integer(threads, "threads") if threads is not None else len(os.sched_getaffinity(0))
    states = epochs // record.every + 1 + (epochs % record.every != 0)
    _refuse_memory(record, len(runs) * len(seeds) * states, first)
    times = np.minimum(np.arange(states) * record.every, epochs)

    draw = pytorch() if init is None else init
    if not callable(draw):
        raise TypeError(f"init must be callable, but is {type(draw).__name__}: e.g. init.pytorch() or init.given(...).")
    starts = [_start(draw, shape, seed) for seed in seeds]
    found = _core.train(
        list(shape),
        [_task(problem, record) for problem in runs],
        np.ascontiguousarray(np.broadcast_to(np.stack(starts), (len(runs), len(seeds), len(starts[0]))), dtype=kind),
        optimizer.settings(),
        epochs,
        record.every,
        record.weights,
        threads,
    )
    return _trace(runs, shape, times, found, record)


def _check_problems(runs: Sequence[Problem]) -> Problem:
    if not runs:
        raise ValueError("problems is empty: pass at least one Problem.")
    for problem in runs:
        instance(problem, Problem, "every one of problems", "pose them with hard_wired, augmented, ...")
        refuse_without_moments(problem)
    shapes = {(p.dim, p.rank, p.outputs, p.representation.dim) for p in runs}
    if len(shapes) > 1:
        raise ValueError(
            f"problems must share (dim, rank, outputs, columns of X), but have {sorted(shapes)}: train them apart."
        )
    return runs[0]


def _check_architecture(widths: Sequence[int] | None, problem: Problem) -> tuple[int, ...]:
    bound = min(problem.rank, problem.dim, problem.outputs)
    if widths is None:
        return (problem.dim, problem.rank, problem.outputs)
    shape = check_widths(widths)
    if (shape[0], shape[-1]) != (problem.dim, problem.outputs):
        raise ValueError(
            f"widths {shape} lead from {shape[0]} to {shape[-1]}, but the problem from {problem.dim} to "
            f"{problem.outputs}."
        )
    if min(shape) != bound:
        raise ValueError(
            f"widths {shape} bound the rank by {min(shape)}, but the problem by {bound}: change a hidden width or "
            f"pose the problem with rank={min(shape)}."
        )
    return shape


def _kind(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float64 or float32, but is {dtype!r}.") from None
    if kind not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float64 or float32, but is {kind}.")
    return kind


def _refuse_memory(record: Record, states: int, problem: Problem) -> None:
    cells = problem.outputs * problem.representation.dim if record.weights else 0
    size = 8 * states * (5 + len(record.entries) + cells)
    if size > MEMORY_LIMIT:
        raise ValueError(
            f"The record of {states} states would take {size / 2**30:.1f} GiB, above 1 GiB: raise Record.every, or "
            "train fewer seeds at once."
        )


def _start(draw: Init, shape: tuple[int, ...], seed: int) -> npt.NDArray[Any]:
    try:
        network = Network(draw(shape, np.random.default_rng(seed)))
    except (TypeError, ValueError) as error:
        raise type(error)(f"init returned no layers of a network: {error}") from error
    if network.widths != shape:
        raise ValueError(f"init returned layers of widths {network.widths}, but the runs have widths {shape}.")
    return network.flat.astype(np.float64)


def _task(problem: Problem, record: Record) -> dict[str, Any]:
    """What the C++ core is told of a problem: moments to descend on, an equivalent data set and what to look at."""
    rep, quadratic, d0 = problem.representation, problem.quadratic, problem.representation.dim
    entries = [(_index(row, problem.outputs, "row"), _index(column, d0, "column")) for row, column in record.entries]
    lift = rep.invariant_basis() if problem.is_hard_wired else np.eye(d0)  # W = V lift
    return {
        "S": np.ascontiguousarray(quadratic.moment),
        "C": np.ascontiguousarray(quadratic.cross),
        "A": quadratic.rows.A,
        "T": quadratic.rows.T,
        "floor": quadratic.rows.floor,
        "parts": _parts(problem),
        "entry_rows": [row for row, _ in entries],
        "entry_columns": np.ascontiguousarray(lift[:, [column for _, column in entries]].T).reshape(-1, problem.dim),
    }


def _parts(problem: Problem) -> list[Array]:
    """Orthonormal bases (dim, .) of W⊥ and of its seen and frozen parts; empty where that part is zero or undefined."""
    nothing = np.zeros((problem.dim, 0))
    if problem.is_hard_wired:
        return [nothing] * 3
    perp = np.ascontiguousarray(problem.representation.complement_basis.T)
    if problem.method != "augmented":
        return [perp, nothing, nothing]
    return [perp, *seen_and_frozen(problem.representation, problem.data)]


def _index(value: int, length: int, name: str) -> int:
    index = integer(value, f"the {name} of an entry", minimum=0)
    if index >= length:
        raise ValueError(f"entries follow {name} {index} of W, but W has only {length} {name}s.")
    return index


def _trace(
    runs: Sequence[Problem], shape: tuple[int, ...], times: npt.NDArray[np.int64], found: dict[str, Any], record: Record
) -> Trace:
    parts = found["parts"]
    weights = np.empty((*found["weights"].shape[:-1], runs[0].representation.dim)) if record.weights else None
    for i, problem in enumerate(runs):
        if problem.method not in ("hard_wired", "augmented"):
            parts[i, :, :, 1:] = np.nan  # what no gradient sees is a matter of the augmented problem
        if weights is not None:
            V = found["weights"][i]
            weights[i] = V @ problem.representation.invariant_basis() if problem.is_hard_wired else V
    _warn_of_divergence(found["loss"], times)
    trace = Trace(
        epochs=times,
        loss=found["loss"],
        norm=found["norm"],
        norm_perp=parts[..., 0],
        norm_seen=parts[..., 1],
        norm_frozen=parts[..., 2],
        entries=found["entries"],
        weights=weights,
        networks=tuple(tuple(Network.from_flat(flat, shape) for flat in of_one) for of_one in found["network"]),
    )
    return trace.at(0, 0) if found["loss"].shape[:2] == (1, 1) else trace


def _warn_of_divergence(loss: Array, times: npt.NDArray[np.int64]) -> None:
    diverged = np.argwhere(~np.isfinite(loss))
    if len(diverged):
        problem, seed, time = diverged[diverged[:, 2].argmin()]
        warnings.warn(
            f"{len(np.unique(diverged[:, :2], axis=0))} runs diverged, first problem {problem} at seeds[{seed}], "
            f"between epochs {times[max(time - 1, 0)]} and {times[time]}: lower the learning rate.",
            RuntimeWarning,
            stacklevel=4,
        )
