"""Runs on their way: each stretch in the C++ loops begins where the one before ended."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from .. import _core
from ..arrays import MEMORY_LIMIT, Array, by_rows, dense, integer, matmul
from ..invariance import seen_and_frozen, seen_by
from ..networks import Network
from ..objectives.empirical import Empirical
from ..problems import Problem, title
from ..threads import processors
from .batches import Orders, refuse_order
from .optimizers import BuiltIn, GradientDescent
from .own import OwnRule, gradient, step
from .rates import Rate, of_epochs
from .record import Record
from .state import FLAGS, State
from .trace import MEASURES, Trace
from .until import NEVER

RATES_AT_ONCE = 2**20  # epochs of a stretch whose learning rate changes
_SEEN: WeakKeyDictionary[Problem, Array | None] = WeakKeyDictionary()
_SEEN_AND_FROZEN: WeakKeyDictionary[Problem, tuple[Array, Array]] = WeakKeyDictionary()  # by eigenvectors of S̄

Recorded = dict[str, Any]  # epochs (T,), and what a Trace has of them, with axes (problem, seed, T, ...)


def eigenbasis_from(shape: Sequence[int]) -> int | None:
    """The epoch from which gradient descent goes on in the eigenbasis of S', if ever.

    A matter of the widths alone, so that a run is the same in any company, however long and however it is recorded: the
    eigenbasis costs about as much as 16·d_0 rows of W_1 times S', and an epoch saves the product of min(shape[1:]). By
    then as much was spent as the eigenbasis costs, so that no run takes twice the time of the better way.
    """
    return -(-16 * shape[0] // min(shape[1:])) if min(shape) > 0 else None


class Runs:
    """Runs that are advanced together, what was recorded so far, and the last `loss` (problem, seed)."""

    def __init__(
        self, state: State, shapes: Sequence[tuple[int, ...]], activation: str, end: int, threads: int | None
    ) -> None:
        problems, record = state.problems, state.record
        self.state, self.shapes, self.activation = state, list(shapes), activation
        self._samples = [problem.objective for problem in problems if isinstance(problem.objective, Empirical)]
        useful = state.stopped.size * (_core.sample_parts if self._samples else 1)
        self.threads = min(integer(threads, "threads") if threads is not None else processors(), useful)
        _refuse_workspace(self._samples, shapes, self.threads)
        rows = rows_of(shapes, activation)
        self._looks = [_look(problem, record, count) for problem, count in zip(problems, rows, strict=True)]
        self._orders = self._order(end) if state.batches is not None else {}
        self._chunks: list[Recorded] = []
        self._networks = state.layers
        self._before, self.loss = np.full(state.stopped.shape, np.nan), np.full(state.stopped.shape, np.nan)
        turns = not self._samples and isinstance(state.optimizer, GradientDescent)
        self._switches = [eigenbasis_from(shape) if turns else None for shape in shapes]

    def remember(self, past: Trace) -> None:
        """What was recorded on the way to the state."""
        lead = self.state.stopped.shape if past.loss.ndim == 1 else ()
        names = [name for name in (*MEASURES, "entries", "weights") if getattr(past, name) is not None]
        chunk = {name: getattr(past, name).reshape(*lead, *getattr(past, name).shape) for name in names}
        if past.layers is not None:
            chunk["layers"] = [np.stack(of_one) for of_one in past.layers]
        self._keep({"epochs": past.epochs, **chunk})
        self._follow()
        self._networks = tuple(np.stack([network.flat for network in of_one]) for of_one in past.networks)

    def advance(self, end: int, until: _core.Until) -> None:
        """All runs to epoch `end`, but those that stopped."""
        while True:
            begin, stop = self.state.epoch, end
            stop = min([stop, *(switch for switch in self._switches if switch is not None and begin < switch)])
            optimizer = self.state.optimizer
            if not isinstance(optimizer, BuiltIn):
                self._own_stretch(optimizer, stop, until)
            else:
                if isinstance(optimizer.lr, Rate):
                    stop = min(stop, begin + RATES_AT_ONCE)
                self._stretch(optimizer, stop, until)
            self._follow()
            if stop == end or self.state.has_ended:
                return

    @property
    def epoch(self) -> int:
        """How many epochs they have behind them; where the last one stopped, if all did."""
        return int(self.state.stopped.max()) if self.state.has_ended else self.state.epoch

    def _follow(self) -> None:
        """Keeps the last loss of each run: of one that has stopped what it recorded then, not the NaN from there on."""
        recorded, stopped = self._chunks[-1]["loss"], (self.state.stopped >= 0) & ~self.state.diverged
        if not recorded.shape[-1]:  # of no epochs more
            return
        self.loss = np.where(stopped, self.loss, recorded[..., -1])
        for i, k in np.argwhere(stopped):
            seen = recorded[i, k][~np.isnan(recorded[i, k])]
            self.loss[i, k] = seen[-1] if len(seen) else self.loss[i, k]

    def _stretch(self, optimizer: BuiltIn, end: int, until: _core.Until) -> None:
        state, begin = self.state, self.state.epoch
        after = self._copied(state)
        found = self._call(optimizer, begin, end, state.record.every, until, after, self._take(end - begin))
        self._networks = tuple(
            np.where((stopped < 0)[:, None], one.network, network)
            for stopped, one, network in zip(state.stopped, found, self._networks, strict=True)
        )
        self.state = replace(after, epoch=end)
        self._keep({"epochs": state.record.times(begin, end), **self._measured(found)})

    @staticmethod
    def _copied(state: State) -> State:
        flags: dict[str, Any] = {name: getattr(state, name).copy() for name in FLAGS}
        return replace(
            state, layers=tuple(map(np.array, state.layers)), means=tuple(map(np.array, state.means)), **flags
        )

    def _take(self, epochs: int) -> list[npt.NDArray[np.int32]]:
        """The orders of the next epochs, for each problem; shared where their numbers of rows are equal."""
        made = {rows: orders.take(epochs) for rows, orders in self._orders.items()}
        return [made[one.rows] for one in self._samples] if made else []

    def _call(
        self,
        optimizer: BuiltIn,
        begin: int,
        end: int,
        every: int,
        until: _core.Until,
        state: State,
        orders: list[npt.NDArray[np.int32]],
    ) -> list[_core.Recorded]:
        """The C++ loops, which write to the arrays of the state."""
        kind, settings, record = state.layers[0].dtype, optimizer.settings(), state.record
        make: Any = _core.States32 if kind == np.float32 else _core.States
        flags = [[getattr(state, name)[i] for name in FLAGS] for i in range(len(self.shapes))]
        each = zip(state.layers, state.means, flags, self._before, strict=True)
        states: Any = [make(layers, means, *flag, before) for layers, means, flag, before in each]
        rates = of_epochs(optimizer.lr, begin, end)
        plan = _core.Plan(begin, end, every, rates, until, record.weights, record.networks, self.threads)
        if self._samples:
            whole, size = state.batches is None, 1 if state.batches is None else state.batches.size
            cores = [one.core(kind, passes=whole or one.pooled) for one in self._samples]
            return _core.train_on_samples(
                self.shapes, self.activation, cores, self._looks, states, orders, size, settings, plan
            )
        moments = [
            problem.quadratic.core(kind, diagonal=switch is not None and begin >= switch)
            for problem, switch in zip(state.problems, self._switches, strict=True)
        ]
        return _core.train(self.shapes, moments, self._looks, states, settings, plan)

    def _own_stretch(self, rule: OwnRule, end: int, until: _core.Until) -> None:
        """With a rule of the user's: step by step, all runs side by side."""
        state, every, begin = self._copied(self.state), self.state.record.every, self.state.epoch
        memories, going = deepcopy(state.memories), state.stopped < 0
        for epoch in range(begin, end + 1):
            before, regular = self._before, epoch % every == 0 and (epoch > begin or epoch == 0)
            if regular or epoch == end > begin:
                seen = _blank(self._measured(self._look_at(state.layers)), ~going)
                self._keep({"epochs": np.array([epoch]), **seen})
            orders = self._take(1) if epoch < end else []
            for i, k in np.argwhere(going):
                problem, layers = state.problems[i], state.layers[i]
                if regular and until.asks:
                    slope = gradient(problem, self._network(i, layers[k])) if until.asks_for_gradient else np.zeros(1)
                    if until.holds(seen["loss"][i, k, 0], before[i, k], float(np.linalg.norm(slope))):
                        state.stopped[i, k], going[i, k] = epoch, False
                        continue
                if epoch == end:
                    continue
                for rows in self._batches_of(orders[i][k, 0] if orders else None):
                    network = self._network(i, layers[k])
                    layers[k] = step(rule, network, gradient(problem, network, rows), memories[i][k])
                    state.steps[i, k] += 1
                    if not np.isfinite(layers[k]).all():
                        state.stopped[i, k], state.diverged[i, k], going[i, k] = epoch, True, False
                        break
            if state.has_ended:
                break
        self._networks = state.layers
        self.state = replace(state, epoch=end, memories=memories)

    def _look_at(self, layers: tuple[npt.NDArray[Any], ...]) -> list[_core.Recorded]:
        """What is recorded of layers (seeds, P) of each problem, as one state."""
        rule, state = GradientDescent(1.0), self.state
        fresh = State.of_starts(state.problems, layers, rule, None, state.seeds, state.record)
        return self._call(rule, 0, 0, 1, NEVER, self._copied(fresh), [])

    def _network(self, problem: int, flat: npt.NDArray[Any]) -> Network:
        return Network.from_flat(flat.copy(), self.shapes[problem], self.activation)

    def _batches_of(self, order: npt.NDArray[np.int32] | None) -> list[npt.NDArray[np.int32] | None]:
        """The rows of each step of an epoch; None for all."""
        if order is None or self.state.batches is None:
            return [None]
        size = self.state.batches.size
        return [order[start : start + size] for start in range(0, len(order), size)]

    def _measured(self, found: list[_core.Recorded]) -> Recorded:
        parts, problems, record = np.stack([one.parts for one in found]), self.state.problems, self.state.record
        for part, problem in zip(parts, problems, strict=True):
            if not problem.is_hard_wired and not (
                problem.method == "augmented" and problem.representation.is_orthogonal
            ):
                part[:, :, 1:] = np.nan  # what no gradient sees is a matter of the augmented problem
        out: Recorded = {name: np.stack([getattr(one, name) for one in found]) for name in ("loss", "norm", "entries")}
        out["norm_first_perp"] = np.stack([one.first for one in found])
        out |= {"norm_perp": parts[..., 0], "norm_seen": parts[..., 1], "norm_frozen": parts[..., 2]}
        if record.weights:
            shape = (len(found), *found[0].weights.shape[:-1], problems[0].representation.dim)
            out["weights"] = np.empty(shape)
            for W, problem, one in zip(out["weights"], problems, found, strict=True):
                V, rep = one.weights, problem.representation
                W[:] = matmul(V, rep.invariants) if problem.is_hard_wired else V
        if record.networks:
            out["layers"] = [one.layers for one in found]
        return out

    def _keep(self, chunk: Recorded) -> None:
        """Appends a chunk; what the one before recorded only as it ended there is dropped."""
        every = self.state.record.every
        if self._chunks and self._chunks[-1]["epochs"][-1] % every:
            self._chunks[-1] = _until_slot(self._chunks[-1], -1)
        self._chunks.append(chunk)
        regular = np.flatnonzero(chunk["epochs"] % every == 0)
        if len(regular):
            self._before = np.ascontiguousarray(chunk["loss"][:, :, regular[-1]])

    def trace(self) -> Trace:
        """Of all epochs so far."""
        state, every = self.state, self.state.record.every
        whole = {name: _joined(name, [chunk[name] for chunk in self._chunks]) for name in self._chunks[0]}
        if state.has_ended:
            state, whole = replace(state, epoch=self.epoch), _until_slot(whole, self.epoch // every + 1)
        networks = tuple(
            tuple(Network.from_flat(flat, shape, self.activation) for flat in of_one)
            for of_one, shape in zip(self._networks, self.shapes, strict=True)
        )
        layers = tuple(map(tuple, whole.pop("layers"))) if "layers" in whole else None
        return Trace(
            **{"weights": None, **whole},
            ends=state.ends,
            seeds=state.seeds,
            methods=tuple(map(title, state.problems)),
            layers=layers,
            networks=networks,
            state=state,
        )

    def _order(self, end: int) -> dict[int, Orders]:
        """By numbers of rows."""
        if not self._samples:
            raise ValueError("batches need the samples themselves: pose the problem on Samples(X, y), not Moments.")
        counts, seeds, begin = {one.rows for one in self._samples}, self.state.seeds, self.state.epoch
        refuse_order(len(seeds), end - begin, sum(counts))
        return {rows: Orders(seeds, rows, begin) for rows in counts}


def rows_of(shapes: Sequence[tuple[int, ...]], activation: str) -> list[int]:
    """How many rows what is recorded of each problem has: W, or the first layer of a nonlinear network."""
    return [shape[-1 if activation == "identity" else 1] for shape in shapes]


def _joined(name: str, chunks: Sequence[Any]) -> Any:
    if name == "layers":
        return [np.concatenate(of_one, axis=1) for of_one in zip(*chunks, strict=True)]
    return np.concatenate(chunks, axis=0 if name == "epochs" else 2)


def _until_slot(chunk: Recorded, end: int) -> Recorded:
    return {
        name: array[:end]
        if name == "epochs"
        else [one[:, :end] for one in array]
        if name == "layers"
        else array[:, :, :end]
        for name, array in chunk.items()
    }


def _blank(seen: Recorded, ended: npt.NDArray[np.bool_]) -> Recorded:
    """With NaN for runs (problem, seed) that ended before, as the C++ loops record them."""
    for array in seen.values():
        for of_one, there in zip(array, ended, strict=True):
            of_one[there] = np.nan
    return seen


def _refuse_workspace(on_samples: Sequence[Empirical], shapes: Sequence[tuple[int, ...]], threads: int) -> None:
    for one, shape in zip(on_samples, shapes, strict=False):
        if threads * one.workspace(shape[1]) > 8 * MEMORY_LIMIT:
            raise ValueError(
                f"A first layer of {shape[1]} rows under every element of the group would take "
                f"{threads * one.workspace(shape[1]) / 2**30:.3g} GiB on {threads} threads, above 8 GiB: lower the "
                "first of the hidden widths, or threads, or take a subgroup."
            )


def _look(problem: Problem, record: Record, rows: int) -> _core.Observables:
    """What the C++ core is told to look at in W, or in the first layer of a nonlinear network."""
    rep, d0 = problem.representation, problem.representation.dim
    entries = [(_index(row, rows, "row"), _index(column, d0, "column")) for row, column in record.entries]
    places = [column for _, column in entries]
    columns = np.zeros((len(entries), problem.dim))  # of what leads from V to W
    if problem.is_hard_wired:
        columns[:] = dense(rep.invariants[:, places]).T
    else:
        columns[np.arange(len(entries)), places] = 1.0
    parts, rest = _parts(problem)
    off: Any = {"rest": rest, "invariants": by_rows(rep.invariants)} if any(rest) else {}
    look = (parts, [row for row, _ in entries], columns)
    if isinstance(problem.objective, Empirical):
        return _core.Observables(*look, **off)
    rows_of = problem.quadratic.fitted  # an equivalent data set for the loss
    back = np.zeros((0, 0)) if problem.inner is None else problem.inner.inverse
    return _core.Observables(*look, rows_of.A, rows_of.T, rows_of.floor, back, **off)


def _parts(problem: Problem) -> tuple[list[Array], list[bool]]:
    """Orthonormal bases (dim, .) of W⊥ and of its seen and frozen parts; empty where that part is zero or undefined.

    Where True is listed, of what is left of W⊥ instead.
    """
    nothing, rep = np.zeros((problem.dim, 0)), problem.representation
    if problem.is_hard_wired or rep.invariants.shape[0] == rep.dim:
        return [nothing] * 3, [False] * 3
    if not rep.is_orthogonal:  # W⊥ is no orthogonal part of W then
        return [np.eye(rep.dim) - rep.project(np.eye(rep.dim)), nothing, nothing], [False] * 3
    permutes = rep.number_of_orbits() is not None
    perp = nothing if permutes else np.ascontiguousarray(rep.complement_basis.T)
    if problem.method != "augmented":
        return [perp, nothing, nothing], [permutes, False, False]
    factor = None if isinstance(problem.objective, Empirical) else problem.quadratic.factor
    if factor is not None:
        if problem not in _SEEN:
            _SEEN[problem] = seen_by(rep, factor.R, problem.ridge)
        seen = _SEEN[problem]
        return [perp, *((nothing, nothing) if seen is None else (seen, seen))], [True, seen is None, seen is not None]
    if problem not in _SEEN_AND_FROZEN:
        _SEEN_AND_FROZEN[problem] = seen_and_frozen(problem.representation, problem.data, problem.ridge)
    return [perp, *_SEEN_AND_FROZEN[problem]], [permutes, False, False]


def _index(value: int, length: int, name: str) -> int:
    index = integer(value, f"the {name} of an entry", minimum=0)
    if index >= length:
        raise ValueError(f"entries follow {name} {index} of W, but W has only {length} {name}s.")
    return index
