"""Training of networks on a problem's moments or samples; every loop runs in C++."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import MEMORY_LIMIT, instance, integer, listed, refuse_large, some
from ..networks.init import Init, pytorch
from ..networks.network import Network, check_activation_fits, check_fit, check_widths, count_weights, network_loss
from ..objectives.empirical import Empirical
from ..objectives.factored import Factored
from ..problems import Problem, refuse_bound_layers
from ..progress import Progress
from .batches import Batches
from .optimizers import Adam, BuiltIn, Optimizer
from .record import Record
from .runs import rows_of
from .state import State
from .stretches import run
from .trace import Trace
from .until import Until


def train(
    problems: Problem | Sequence[Problem],
    widths: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    activation: str = "identity",
    biases: bool = False,
    optimizer: Optimizer | None = None,
    epochs: int,
    batches: Batches | None = None,
    seeds: Sequence[int] = (0,),
    init: Init | None = None,
    dtype: npt.DTypeLike = np.float64,
    record: Record | None = None,
    until: Until | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: Progress = False,
) -> Trace:
    """Trains a network on each problem from each seed, by descent on W_1, ..., W_L and, if it has some, its biases.

    Problems may differ in method, rank and dim, as hard-wired ones do, so that one call compares them: traces are in
    the order given, and all runs share the threads.

    On Moments an epoch costs O(h·d0²) for the first hidden width h, whatever the number of samples and the order of the
    group, or O(h·k·d0) through the k rows of the factor where these are fewer than d0/2. Else gradient descent commutes
    with a turn of W_1 into the eigenbasis of S', where two layers cost O(h·dL·d0): it goes on there from the first
    epoch e with e·min(widths[1:]) >= 16·d0.
    On Samples an epoch goes through them, and records of nonlinear networks (norms, entries, weights) are of W_1.
    A run on Samples whose loss is no longer finite stops there; what it recorded before is kept, the rest is NaN.
    Run (i, k) starts from init(widths, default_rng(seeds[k])) and is the same, bit for bit, alone or in company, for
    any number of threads, however it is recorded, and in one piece or resumed (see `resume`). Ctrl-C ends all runs.

    Args:
        problems: one Problem or several on the same inputs and outputs.
        widths: d_0, ..., d_L, or a list of such for problems of several dims; None means (dim, rank, outputs) of each.
            Refused unless they start at dim, end at outputs and min(widths) == min(rank, dim, outputs), so that the
            network poses this very problem.
        activation: of the hidden layers; see `Network`. Others than "identity" need Samples.
        biases: whether the networks have some; see `Network`. They need Samples, start at 0 or where `init` says, and
            decay as the weights do. Norms, entries and weights that are recorded are without them.
        optimizer: Adam() unless given; GradientDescent, AdamW, RMSprop, or a function of one's own,
            (weights, gradient, state) -> weights, of lists [W_1, ..., W_L] and [G_1, ..., G_L], the biases after the
            layers, and a dict that is empty at first and the run's own. It is called at every step: about 100 µs, one
            run after the other.
        epochs: number of updates, or of passes through the batches, 0 or more.
        batches: mini-batches, on Samples; the full batch unless given.
        seeds: of numpy's default_rng.
        init: init.pytorch() unless given.
        dtype: float64 or float32, of the weights and their updates; records are float64 always.
        record: what to keep; Record() unless given. Refused above 1 GiB.
        until: rules that stop a run before. The trace ends where the last run does; `Trace.ends` tells where each did,
            and after that all of it is NaN.
        checkpoint: a new file to which the trace so far is written about every 10 seconds, under a temporary name
            first: whatever ends the program, `resume(Trace.load(checkpoint), problems, epochs=..., until=until,
            checkpoint=checkpoint)` goes on from there (with an optimizer of one's own, which is in no file, a new run
            by init.given does). A file that exists is refused.
        threads: at most this many, by default one for each processor; parallel over runs and, if these are
            fewer and on Samples, over fixed parts of each one's samples, 400 or more.
        progress: True for a bar on stderr, or a callback (done, total, loss) about twice a second: the epochs behind
            the runs, of how many, and the last losses (problem, seed), of a single run a float. If it returns True all
            runs end there, with the trace so far, from which `resume` goes on (the update of a tqdm bar returns True
            now and then: call it in a function that returns nothing). It is called at recorded epochs, or 10 epochs or
            more after the last call where these are further apart.

    >>> import linvariance as lv
    >>> m = lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0]))
    >>> p = lv.unconstrained(m, rank=2)
    >>> t = lv.train(p, optimizer=lv.Adam(lr=0.05), epochs=500)
    >>> t.network.widths, bool(abs(t.loss[-1] - lv.solve(p).loss) < 1e-6)
    ((3, 2, 3), True)
    >>> def signs(weights, gradient, state):
    ...     state["rate"] = 0.99 * state.get("rate", 0.05)
    ...     return [W - state["rate"] * np.sign(G) for W, G in zip(weights, gradient, strict=True)]
    >>> t = lv.train(p, optimizer=signs, epochs=500)
    >>> bool(t.loss[-1] < 1.1 * lv.solve(p).loss)
    True

    Hard-wired and augmented, of dims 1 and 3, in one call:

    >>> swaps = lv.groups.symmetric(3)
    >>> t = lv.train([lv.hard_wired(m, swaps, rank=1), lv.augmented(m, swaps, rank=1)], epochs=500, seeds=(0, 1))
    >>> t.loss.shape, t.network(0, 1).widths, t.network(1, 1).widths
    ((2, 2, 51), (1, 1, 3), (3, 1, 3))
    """
    runs = _checked(problems)
    shapes = _architectures([widths] if isinstance(problems, Problem) and widths is not None else widths, runs)
    epochs = integer(epochs, "epochs", minimum=0)
    seeds = [integer(seed, f"seeds[{k}]", minimum=0) for k, seed in enumerate(listed(seeds, "seeds"))]
    if not seeds:
        raise ValueError("seeds is empty: pass at least one, e.g. seeds=(0,).")
    instance(biases, bool, "biases", "whether the networks have some")
    for problem in runs:
        check_activation_fits(problem, activation, biases)
    kind = _kind(dtype)
    record = Record() if record is None else record
    instance(record, Record, "record", "e.g. Record(every=10)")
    optimizer = Adam() if optimizer is None else optimizer
    _check_optimizer(optimizer)
    counts = [count_weights(shape, biases) for shape in shapes]
    _refuse_memory(record, shapes, counts, activation, len(seeds), epochs)
    draw = pytorch() if init is None else init
    if isinstance(draw, Network) or not callable(draw):
        how = "init.given(network)" if isinstance(draw, Network) else "e.g. init.pytorch() or init.given(...)"
        raise TypeError(f"init must be a way to draw a start, but is {type(draw).__name__}: {how}.")
    theirs = getattr(draw, "activation", None)
    if theirs not in (None, activation):
        raise ValueError(f"init holds a {theirs} network, but activation is {activation!r}: pass {theirs!r}.")
    if kind == np.float32:
        _refuse_float32_overflow(runs)
    if batches is not None:
        instance(batches, Batches, "batches", "e.g. Batches(size=64)")
    drawn = {shape: _starts(draw, shape, biases, seeds, kind) for shape in dict.fromkeys(shapes)}
    starts = tuple(drawn[shape] for shape in shapes)
    state = State.of_starts(tuple(runs), starts, optimizer, batches, tuple(seeds), record)
    return run(
        state, shapes, activation, epochs, until=until, checkpoint=checkpoint, threads=threads, progress=progress
    )


def resume(
    trace: Trace,
    problems: Problem | Sequence[Problem] | None = None,
    *,
    epochs: int,
    until: Until | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: Progress = False,
) -> Trace:
    """Goes on with the runs of a trace for so many epochs more: to the bit as if `train` had never ended.

    Returns the trace of the whole runs. What was recorded in their last epoch only because it was the last is dropped.
    Under the same `until` a run that it stopped stays where it is, as it would have; under others, or none, it goes on:
    from the one epoch in which all runs ended, else each has to be resumed alone, as `trace.at(i, k)`. A run that
    diverged does not go on.

    Args:
        trace: of `train` or `resume`, or one of its runs, `trace.at(i, k)`.
        problems: those it was trained on, needed for a trace from a file or a pickle, which hold no data.
        epochs: how many more.
        until: rules that stop a run before, as in `train`.
        checkpoint: a file for the trace so far, as in `train`; also that from which `trace` was loaded.
        threads: at most this many, as in `train`.
        progress: a bar or a callback, as in `train`; the epochs of the whole runs are counted.

    Raises:
        ValueError: if a trace holds no state, its last loss is not that of the problems, or its runs ended in different
            epochs and are to go on.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data(np.eye(3), np.diag([3.0, 2.0, 1.0])), rank=2)
    >>> whole, part = lv.train(p, epochs=50), lv.train(p, epochs=17)
    >>> again = resume(part, epochs=33)
    >>> bool(np.all(again.loss == whole.loss)), bool(np.all(again.network.flat == whole.network.flat))
    (True, True)
    """
    instance(trace, Trace, "trace", "take it from train, or Trace.load")
    epochs, state = integer(epochs, "epochs", minimum=0), trace.state
    if state is None:
        raise ValueError("trace holds no state to go on from: train again, or from init.given(trace.network).")
    if problems is not None:
        found = _checked(problems)
        if len(found) != len(trace.networks):
            raise ValueError(f"problems are {len(found)}, but trace is of {len(trace.networks)}: pass all, in order.")
        state = replace(state, problems=tuple(found))
    if not state.problems:
        raise ValueError("trace comes from a file or a pickle, which hold no data: pass the problems it is of.")
    shapes, activation = [of_one[0].widths for of_one in trace.networks], trace.networks[0][0].activation
    losses = trace.final_loss.reshape(len(shapes), -1)
    for i, problem in enumerate(state.problems):
        for k, network in enumerate(trace.networks[i]):
            if network.is_finite:
                check_fit(problem, network, "trace.network")
            _refuse_other_loss(problem, network, float(losses[i, k]))
    counts = [of_one[0].flat.size for of_one in trace.networks]
    _refuse_memory(state.record, shapes, counts, activation, len(state.seeds), state.epoch + epochs)
    if until is None or until != state.until:  # else they stopped by the very rules, and stay there
        if trace.ends.min() != trace.ends.max():
            raise ValueError(
                f"the runs of trace ended in different epochs, {trace.ends.min()} .. {trace.ends.max()}: resume each "
                "alone, resume(trace.at(i, k), ...), or all under the same until, by which those that stopped stay."
            )
        state = replace(state, stopped=np.where(state.diverged, state.stopped, -1))
    return run(
        state, shapes, activation, state.epoch + epochs,
        past=trace, until=until, checkpoint=checkpoint, threads=threads, progress=progress,
    )  # fmt: skip


def _checked(problems: Problem | Sequence[Problem]) -> list[Problem]:
    if not isinstance(problems, Iterable):
        instance(problems, Problem, "problems", "pose one with hard_wired, augmented, regularized or unconstrained")
    runs = [problems] if isinstance(problems, Problem) else listed(problems, "problems")
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
        raise ValueError(
            f"problems must share (outputs, columns of X), but have {some(sorted(maps))}: train them apart."
        )
    return runs


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
            f"widths ({some(shape)}) lead from {shape[0]} to {shape[-1]}, but {who} from {problem.dim} to "
            f"{problem.outputs}{hint}."
        )
    bound = min(problem.rank, problem.dim, problem.outputs)
    if min(shape) != bound:
        raise ValueError(
            f"widths ({some(shape)}) bound the rank by {min(shape)}, but {who} by {bound}: change a hidden width or "
            f"pose it with rank={min(shape)}."
        )
    return shape


def _kind(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float64 or float32, but is {dtype!r:.60}.") from None
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
    moment = problem.quadratic.input_moment
    return moment.R if isinstance(moment, Factored) else moment, problem.quadratic.cross


def _refuse_memory(
    record: Record,
    shapes: Sequence[tuple[int, ...]],
    counts: Sequence[int],
    activation: str,
    seeds: int,
    epochs: int,
) -> None:
    """For networks of these widths, with so many weights each."""
    rows = rows_of(shapes, activation)
    if record.weights and len(set(rows)) > 1:
        raise ValueError(
            f"record keeps the first layers, which have {some(sorted(set(rows)))} rows: they fit no one array. Record "
            "networks=True in place of weights=True, or train the problems apart."
        )
    networks = 8 * 6 * seeds * sum(counts)  # starts, weights, gradients, Adam's two means, the final networks
    if networks > 8 * MEMORY_LIMIT:
        raise ValueError(
            f"{seeds * len(shapes)} networks of widths up to {max(map(max, shapes)):,} would take "
            f"{networks / 2**30:.3g} GiB, above 8 GiB: lower the rank or the widths, or train fewer at once."
        )
    states = epochs // record.every + 1 + (epochs % record.every != 0)
    cells = record.weights * sum(count * shape[0] for count, shape in zip(rows, shapes, strict=True))
    cells += record.networks * sum(counts)
    looks = 2 * len(record.entries) * sum(shape[0] for shape in shapes)
    size = 8 * (seeds * states * ((6 + len(record.entries)) * len(shapes) + cells) + looks)
    refuse_large(
        size,
        f"The record of {seeds * len(shapes) * states} states",
        "raise Record.every, keep no networks or weights, follow fewer entries, or train fewer seeds at once",
    )


def _starts(
    draw: Init, shape: tuple[int, ...], biases: bool, seeds: Sequence[int], kind: np.dtype[Any]
) -> npt.NDArray[Any]:
    """(seeds, parameters)."""
    return np.stack([_start(draw, shape, biases, seed) for seed in seeds]).astype(kind)


def _start(draw: Init, shape: tuple[int, ...], biases: bool, seed: int) -> npt.NDArray[Any]:
    try:
        layers = draw(shape, np.random.default_rng(seed))
    except TypeError as error:  # such as init.pytorch instead of init.pytorch()
        raise TypeError(f"init must take (widths, generator) and return layers: {error}") from error
    try:
        network = layers if isinstance(layers, Network) else Network(layers)
    except (TypeError, ValueError) as error:
        raise ValueError(f"init returned no layers of a network: {error}") from error
    if network.widths != shape:
        raise ValueError(
            f"init returned layers of widths ({some(network.widths)}), but the runs have widths ({some(shape)})."
        )
    if network.biases and not biases:
        raise ValueError("init gives the networks biases, but they are to have none: pass biases=True.")
    flat: npt.NDArray[Any] = network.flat.astype(np.float64)
    missing = count_weights(shape, biases) - flat.size
    return np.append(flat, np.zeros(missing))


def _check_optimizer(optimizer: object) -> None:
    if isinstance(optimizer, type) or not (isinstance(optimizer, BuiltIn) or callable(optimizer)):
        found = f"the class {optimizer.__name__}" if isinstance(optimizer, type) else repr(optimizer)
        raise TypeError(
            "optimizer must be Adam(), GradientDescent(lr), ... or a function of your own, "
            f"(weights, gradient, state) -> weights, but is {found:.60}."
        )


def _refuse_other_loss(problem: Problem, network: Network, recorded: float) -> None:
    if not (network.is_finite and math.isfinite(recorded)):
        return
    found, size = network_loss(problem, network), problem.loss(np.zeros((problem.outputs, problem.dim)))
    if abs(found - recorded) > math.sqrt(np.finfo(network.flat.dtype).eps) * (recorded + size):
        digits = next(k for k in range(6, 18) if f"{found:.{k}g}" != f"{recorded:.{k}g}")
        raise ValueError(
            f"problems give the last network a loss of {found:.{digits}g}, but trace recorded {recorded:.{digits}g}: "
            "pass those it was trained on, in the same order."
        )
