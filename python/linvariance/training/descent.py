"""Training of networks on a problem's moments or samples; every loop runs in C++."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from .. import _core
from ..arrays import Array, instance, integer, listed
from ..invariance import seen_and_frozen
from ..networks.init import Init, pytorch
from ..networks.network import Network, check_activation_fits, check_widths
from ..objectives.empirical import Empirical
from ..problems import Problem, refuse_bound_layers
from ..threads import processors
from .optimizers import Adam, GradientDescent, Optimizer
from .trace import Trace

MEMORY_LIMIT = 2**30  # bytes of a Trace
_SEEN_AND_FROZEN: WeakKeyDictionary[Problem, tuple[Array, Array]] = WeakKeyDictionary()  # by eigenvectors of S̄


@dataclass(frozen=True)
class Record:
    """What a Trace keeps: every `every` epochs the loss and norms, `entries` of W (row, column), W itself, all layers.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0])), rank=2)
    >>> trace = lv.train(p, epochs=20, record=Record(every=10, networks=True))
    >>> [(epoch, network.widths) for epoch, network in trace.states()]
    [(0, (3, 2, 3)), (10, (3, 2, 3)), (20, (3, 2, 3))]
    """

    every: int = 10
    entries: Sequence[tuple[int, int]] = ()
    weights: bool = False
    networks: bool = False

    def __post_init__(self) -> None:
        integer(self.every, "every")
        instance(self.weights, bool, "weights", "whether to keep W itself")
        instance(self.networks, bool, "networks", "whether to keep all layers")
        entries = [listed(entry, f"entries[{k}]") for k, entry in enumerate(listed(self.entries, "entries"))]
        for k, entry in enumerate(entries):
            if len(entry) != 2:
                raise ValueError(f"entries[{k}] must be a pair (row, column), but is {entry!r}.")
        places = (tuple(integer(place, f"entries[{k}]", 0) for place in entry) for k, entry in enumerate(entries))
        object.__setattr__(self, "entries", tuple(places))


@dataclass(frozen=True)
class Batches:
    """Mini-batches of `size` rows, on problems of Samples: every epoch goes through all rows in a new order.

    The rows are those of the augmented data, which are never stored: row k of n·|G| is element k // n of
    `rep.elements()` on sample k % n. For other methods they are the n samples.
    """

    size: int

    def __post_init__(self) -> None:
        integer(self.size, "size")

    def order(self, seed: int, epochs: int, rows: int) -> npt.NDArray[np.int32]:
        """The order (epochs, rows) in which a run with this seed takes them: permutations by default_rng([seed, 1]).

        >>> Batches(2).order(seed=0, epochs=1, rows=4).shape
        (1, 4)
        """
        seed, epochs = integer(seed, "seed", minimum=0), integer(epochs, "epochs", minimum=0)
        rows = integer(rows, "rows", maximum=2**31 - 1)
        _refuse_order(1, epochs, rows)
        generator = np.random.default_rng([seed, 1])
        out = np.empty((epochs, rows), dtype=np.int32)
        for epoch in out:
            epoch[:] = generator.permutation(rows)
        return out


def _refuse_order(runs: int, epochs: int, rows: int) -> None:
    size = 4 * runs * epochs * rows
    if size > MEMORY_LIMIT:
        raise ValueError(
            f"The order of {epochs} epochs of {rows:,} rows for {runs} seeds would take {size / 2**30:.3g} GiB, above "
            "1 GiB: train fewer seeds or epochs at once, these from the last network by init.given, or take a subgroup."
        )


def train(
    problems: Problem | Sequence[Problem],
    widths: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    activation: str = "identity",
    optimizer: Optimizer | None = None,
    epochs: int,
    batches: Batches | None = None,
    seeds: Sequence[int] = (0,),
    init: Init | None = None,
    dtype: npt.DTypeLike = np.float64,
    record: Record | None = None,
    threads: int | None = None,
) -> Trace:
    """Trains a network on each problem from each seed, by descent on W_1, ..., W_L.

    Problems may differ in method, rank and dim, as hard-wired ones do, so that one call compares them: traces are in
    the order given, and all runs share the threads.

    On Moments an epoch costs O(h·d0²) for the first hidden width h, whatever the number of samples and the order of the
    group. Gradient descent commutes with a turn of W_1 into the eigenbasis of S', where two layers cost O(h·dL·d0): it
    runs there from epochs·min(widths[1:]) >= 16·d0 on, and the last bits are others than those of shorter runs.
    On Samples an epoch goes through them, and records of nonlinear networks (norms, entries, weights) are of W_1.
    A run on Samples whose loss is no longer finite stops there; what it recorded before is kept, the rest is NaN.
    Run (i, k) starts from init(widths, default_rng(seeds[k])) and is the same, bit for bit, alone or in company and
    for any number of threads. Ctrl-C ends all runs.

    Args:
        problems: one Problem or several on the same inputs and outputs.
        widths: d_0, ..., d_L, or a list of such for problems of several dims; None means (dim, rank, outputs) of each.
            Refused unless they start at dim, end at outputs and min(widths) == min(rank, dim, outputs), so that the
            network poses this very problem.
        activation: of the hidden layers; see `Network`. Others than "identity" need Samples.
        optimizer: Adam() unless given.
        epochs: number of updates, or of passes through the batches, 0 or more.
        batches: mini-batches, on Samples; the full batch unless given.
        seeds: of numpy's default_rng.
        init: init.pytorch() unless given.
        dtype: float64 or float32, of the weights and their updates; records are float64 always.
        record: what to keep; Record() unless given. Refused above 1 GiB.
        threads: at most this many, by default one for each processor; parallel over runs and, if these are
            fewer and on Samples, over fixed parts of each one's samples, 400 or more.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=2)
    >>> t = lv.train(p, optimizer=lv.Adam(lr=0.05), epochs=500)
    >>> t.network.widths, bool(abs(t.loss[-1] - lv.solve(p).loss) < 1e-6)
    ((3, 2, 3), True)

    Hard-wired and augmented, of dims 1 and 3, in one call:

    >>> swaps = lv.groups.symmetric(3)
    >>> t = lv.train([lv.hard_wired(m, swaps, rank=1), lv.augmented(m, swaps, rank=1)], epochs=500, seeds=(0, 1))
    >>> t.loss.shape, t.network(0, 1).widths, t.network(1, 1).widths
    ((2, 2, 51), (1, 1, 3), (3, 1, 3))
    """
    runs = [problems] if isinstance(problems, Problem) else listed(problems, "problems")
    _check_problems(runs)
    shapes = _architectures([widths] if isinstance(problems, Problem) and widths is not None else widths, runs)
    epochs = integer(epochs, "epochs", minimum=0)
    seeds = [integer(seed, f"seeds[{k}]", minimum=0) for k, seed in enumerate(listed(seeds, "seeds"))]
    if not seeds:
        raise ValueError("seeds is empty: pass at least one, e.g. seeds=(0,).")
    for problem in runs:
        check_activation_fits(problem, activation)
    kind = _kind(dtype)
    record = Record() if record is None else record
    instance(record, Record, "record", "e.g. Record(every=10)")
    optimizer = Adam() if optimizer is None else optimizer
    instance(optimizer, (Adam, GradientDescent), "optimizer", "e.g. Adam(lr=1e-3)")
    on_samples = [problem.objective for problem in runs if isinstance(problem.objective, Empirical)]
    useful = len(runs) * len(seeds) * (_core.sample_parts if on_samples else 1)
    threads = min(integer(threads, "threads") if threads is not None else processors(), useful)
    states = epochs // record.every + 1 + (epochs % record.every != 0)
    rows = [shape[-1 if activation == "identity" else 1] for shape in shapes]
    _refuse_memory(record, shapes, rows, len(seeds), states)
    _refuse_workspace(on_samples, shapes, threads)
    times = np.minimum(np.arange(states) * record.every, epochs)

    draw = pytorch() if init is None else init
    theirs = getattr(draw, "activation", None)
    if theirs not in (None, activation):
        raise ValueError(f"init holds a {theirs} network, but activation is {activation!r}: pass {theirs!r}.")
    if not callable(draw):
        raise TypeError(f"init must be callable, but is {type(draw).__name__}: e.g. init.pytorch() or init.given(...).")
    if kind == np.float32:
        _refuse_float32_overflow(runs)
    drawn = {shape: _starts(draw, shape, seeds, kind) for shape in dict.fromkeys(shapes)}
    starts = [drawn[shape] for shape in shapes]
    looks = [_look(problem, record, count) for problem, count in zip(runs, rows, strict=True)]
    loop = (optimizer.settings(), epochs, record.every, record.weights, record.networks, threads)
    if on_samples:
        orders = _orders(on_samples, batches, seeds, epochs)
        cores = [one.core(kind, passes=batches is None or one.pooled) for one in on_samples]
        size = 1 if batches is None else batches.size
        found = _core.train_on_samples(shapes, activation, cores, looks, starts, orders, size, *loop)
    else:
        if batches is not None:
            raise ValueError("batches need the samples themselves: pose the problem on Samples(X, y), not Moments.")
        plain = isinstance(optimizer, GradientDescent)
        cores = [
            problem.quadratic.core(kind, diagonal=plain and pays_to_diagonalize(shape, epochs))
            for problem, shape in zip(runs, shapes, strict=True)
        ]
        found = _core.train(shapes, cores, looks, starts, *loop)
    without_eps = isinstance(optimizer, Adam) and optimizer.eps == 0
    remedy = "lower the learning rate" + (", or pass eps > 0, since Adam divides by the gradient's size" * without_eps)
    _warn_of_divergence(found, times, remedy)
    return _trace(runs, shapes, activation, times, found, record)


def pays_to_diagonalize(shape: Sequence[int], epochs: int) -> bool:
    """Whether so many epochs of gradient descent are run in the eigenbasis of S'.

    A matter of the widths and of `epochs` alone, so that a run is the same in any company, and however it is recorded:
    the eigenbasis costs about as much as 16·d_0 rows of W_1 times S', and an epoch saves the product of min(shape[1:]).
    """
    return epochs * min(shape[1:]) >= 16 * shape[0] > 0


def _orders(
    on_samples: Sequence[Empirical], batches: Batches | None, seeds: Sequence[int], epochs: int
) -> list[npt.NDArray[np.int32]]:
    """For each problem the rows of every seed and epoch (seeds, epochs, rows), shared where their numbers are equal."""
    if batches is None:
        return []
    instance(batches, Batches, "batches", "e.g. Batches(size=64)")
    counts = [one.rows for one in on_samples]
    _refuse_order(len(seeds), epochs, sum(set(counts)))
    made = {rows: np.stack([batches.order(seed, epochs, rows) for seed in seeds]) for rows in set(counts)}
    return [made[rows] for rows in counts]


def _check_problems(runs: Sequence[Problem]) -> None:
    if not runs:
        raise ValueError("problems is empty: pass at least one Problem.")
    for problem in runs:
        instance(problem, Problem, "every one of problems", "pose them with hard_wired, augmented, ...")
        refuse_bound_layers(problem)
    if len({type(problem.objective) is Empirical for problem in runs}) > 1:
        raise ValueError(
            "problems must all be on Moments or all on Samples: pose the former on Samples(X, y) too, or train them "
            "apart."
        )
    maps = {(problem.outputs, problem.representation.dim) for problem in runs}
    if len(maps) > 1:
        raise ValueError(f"problems must share (outputs, columns of X), but have {sorted(maps)}: train them apart.")


def _architectures(widths: object, runs: Sequence[Problem]) -> list[tuple[int, ...]]:
    """The widths of each problem's networks."""
    if widths is None:
        return [(problem.dim, problem.rank, problem.outputs) for problem in runs]
    given = listed(widths, "widths")
    if not given or not all(np.iterable(one) and not isinstance(one, str) for one in given):
        return [_architecture(given, i, runs) for i in range(len(runs))]
    if len(given) != len(runs):
        raise ValueError(f"widths lists {len(given)} networks for {len(runs)} problems: pass as many of each.")
    return [_architecture(one, i, runs) for i, one in enumerate(given)]


def _architecture(widths: Sequence[int], i: int, runs: Sequence[Problem]) -> tuple[int, ...]:
    shape, problem = check_widths(widths), runs[i]
    who = f"problems[{i}]" if len(runs) > 1 else "the problem"
    if (shape[0], shape[-1]) != (problem.dim, problem.outputs):
        hint = f": pass widths for each of the {len(runs)} problems, or None" if len(runs) > 1 else ""
        raise ValueError(
            f"widths {shape} lead from {shape[0]} to {shape[-1]}, but {who} from {problem.dim} to "
            f"{problem.outputs}{hint}."
        )
    bound = min(problem.rank, problem.dim, problem.outputs)
    if min(shape) != bound:
        raise ValueError(
            f"widths {shape} bound the rank by {min(shape)}, but {who} by {bound}: change a hidden width or pose it "
            f"with rank={min(shape)}."
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


def _refuse_float32_overflow(runs: Sequence[Problem]) -> None:
    largest = max(float(np.abs(M).max(initial=0.0)) for problem in runs for M in _magnitudes(problem))
    if largest > 1e-3 * float(np.finfo(np.float32).max):
        raise ValueError(
            f"The data or their second moments reach {largest:.3g}, too much for dtype float32: divide X and Y "
            "by their scales, or train in float64."
        )


def _magnitudes(problem: Problem) -> tuple[npt.NDArray[Any], ...]:
    """What becomes float32."""
    if isinstance(problem.objective, Empirical):
        penalty = np.zeros(0) if problem.objective.penalty is None else problem.objective.penalty
        return problem.objective.X, problem.objective.targets, penalty
    return problem.quadratic.moment, problem.quadratic.cross


def _refuse_memory(
    record: Record, shapes: Sequence[tuple[int, ...]], rows: Sequence[int], seeds: int, states: int
) -> None:
    if record.weights and len(set(rows)) > 1:
        raise ValueError(
            f"record keeps the first layers, which have {sorted(set(rows))} rows: they fit no one array. Record "
            "networks=True in place of weights=True, or train the problems apart."
        )
    parameters = [sum(after * before for before, after in itertools.pairwise(shape)) for shape in shapes]
    networks = 8 * 6 * seeds * sum(parameters)  # starts, weights, gradients, Adam's two means, the final networks
    if networks > 8 * MEMORY_LIMIT:
        raise ValueError(
            f"{seeds * len(shapes)} networks of widths up to {max(shapes)} would take {networks / 2**30:.3g} GiB, "
            "above 8 GiB: lower the rank or the widths, or train fewer at once."
        )
    cells = record.weights * sum(count * shape[0] for count, shape in zip(rows, shapes, strict=True))
    cells += record.networks * sum(parameters)
    looks = 2 * len(record.entries) * sum(shape[0] for shape in shapes)
    size = 8 * (seeds * states * ((6 + len(record.entries)) * len(shapes) + cells) + looks)
    if size > MEMORY_LIMIT:
        raise ValueError(
            f"The record of {seeds * len(shapes) * states} states would take {size / 2**30:.3g} GiB, above 1 GiB: "
            "raise Record.every, keep no networks or weights, follow fewer entries, or train fewer seeds at once."
        )


def _refuse_workspace(on_samples: Sequence[Empirical], shapes: Sequence[tuple[int, ...]], threads: int) -> None:
    for one, shape in zip(on_samples, shapes, strict=False):
        if threads * one.workspace(shape[1]) > 8 * MEMORY_LIMIT:
            raise ValueError(
                f"A first layer of {shape[1]} rows under every element of the group would take "
                f"{threads * one.workspace(shape[1]) / 2**30:.3g} GiB on {threads} threads, above 8 GiB: lower the "
                "first of the hidden widths, or threads, or take a subgroup."
            )


def _starts(draw: Init, shape: tuple[int, ...], seeds: Sequence[int], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """(seeds, parameters)."""
    return np.stack([_start(draw, shape, seed) for seed in seeds]).astype(kind)


def _start(draw: Init, shape: tuple[int, ...], seed: int) -> npt.NDArray[Any]:
    try:
        layers = draw(shape, np.random.default_rng(seed))
    except TypeError as error:  # such as init.pytorch instead of init.pytorch()
        raise TypeError(f"init must take (widths, generator) and return layers: {error}") from error
    try:
        network = Network(layers)
    except (TypeError, ValueError) as error:
        raise ValueError(f"init returned no layers of a network: {error}") from error
    if network.widths != shape:
        raise ValueError(f"init returned layers of widths {network.widths}, but the runs have widths {shape}.")
    return network.flat.astype(np.float64)


def _look(problem: Problem, record: Record, rows: int) -> _core.Observables:
    """What the C++ core is told to look at in W, or in the first layer of a nonlinear network."""
    rep, d0 = problem.representation, problem.representation.dim
    entries = [(_index(row, rows, "row"), _index(column, d0, "column")) for row, column in record.entries]
    places = [column for _, column in entries]
    columns = np.zeros((len(entries), problem.dim))  # of what leads from V to W
    if problem.is_hard_wired:
        columns[:] = rep.invariant_basis()[:, places].T
    else:
        columns[np.arange(len(entries)), places] = 1.0
    look = (_parts(problem), [row for row, _ in entries], columns)
    if isinstance(problem.objective, Empirical):
        return _core.Observables(*look)
    rows_of = problem.quadratic.rows  # an equivalent data set for the loss
    back = np.zeros((0, 0)) if problem.inner is None else problem.inner.inverse
    return _core.Observables(*look, rows_of.A, rows_of.T, rows_of.floor, back)


def _parts(problem: Problem) -> list[Array]:
    """Orthonormal bases (dim, .) of W⊥ and of its seen and frozen parts; empty where that part is zero or undefined."""
    nothing = np.zeros((problem.dim, 0))
    if problem.is_hard_wired:
        return [nothing] * 3
    rep = problem.representation
    perp = np.ascontiguousarray(rep.complement_basis.T)
    if not rep.is_orthogonal:  # W⊥ is no orthogonal part of W then
        return [np.eye(rep.dim) - rep.project(np.eye(rep.dim)), nothing, nothing]
    if problem.method != "augmented":
        return [perp, nothing, nothing]
    if problem not in _SEEN_AND_FROZEN:
        _SEEN_AND_FROZEN[problem] = seen_and_frozen(problem.representation, problem.data, problem.ridge)
    return [perp, *_SEEN_AND_FROZEN[problem]]


def _index(value: int, length: int, name: str) -> int:
    index = integer(value, f"the {name} of an entry", minimum=0)
    if index >= length:
        raise ValueError(f"entries follow {name} {index} of W, but W has only {length} {name}s.")
    return index


def _trace(
    runs: Sequence[Problem],
    shapes: Sequence[tuple[int, ...]],
    activation: str,
    times: npt.NDArray[np.int64],
    found: Sequence[_core.Recorded],
    record: Record,
) -> Trace:
    parts, weights = np.stack([one.parts for one in found]), None
    for i, problem in enumerate(runs):
        if not problem.is_hard_wired and not (problem.method == "augmented" and problem.representation.is_orthogonal):
            parts[i, :, :, 1:] = np.nan  # what no gradient sees is a matter of the augmented problem
    if record.weights:
        weights = np.empty((len(runs), *found[0].weights.shape[:-1], runs[0].representation.dim))
        for W, problem, one in zip(weights, runs, found, strict=True):
            W[:] = one.weights @ problem.representation.invariant_basis() if problem.is_hard_wired else one.weights
    trace = Trace(
        epochs=times,
        loss=np.stack([one.loss for one in found]),
        norm=np.stack([one.norm for one in found]),
        norm_perp=parts[..., 0],
        norm_first_perp=np.stack([one.first for one in found]),
        norm_seen=parts[..., 1],
        norm_frozen=parts[..., 2],
        entries=np.stack([one.entries for one in found]),
        weights=weights,
        layers=tuple(tuple(one.layers) for one in found) if record.networks else None,
        networks=tuple(
            tuple(Network.from_flat(flat, shape, activation) for flat in one.network)
            for one, shape in zip(found, shapes, strict=True)
        ),
    )
    return trace.at(0, 0) if trace.loss.shape[:2] == (1, 1) else trace


def _warn_of_divergence(found: Sequence[_core.Recorded], times: npt.NDArray[np.int64], remedy: str) -> None:
    diverged, first = 0, (math.inf, 0, 0, "")
    for i, one in enumerate(found):
        for k, losses in enumerate(one.loss):
            finite = np.isfinite(losses)
            if finite.all():
                continue
            t = int(np.argmin(finite))
            when = (float(times[t]), i, k, f"between epochs {times[max(t - 1, 0)]} and {times[t]}")
            if one.stopped is not None:
                when = (float(one.stopped[k]), i, k, f"in epoch {one.stopped[k]}")
            diverged, first = diverged + 1, min(first, when)
    if diverged:
        warnings.warn(
            f"{diverged} runs diverged, first problem {first[1]} at seeds[{first[2]}], {first[3]}: {remedy}.",
            RuntimeWarning,
            stacklevel=3,
        )
