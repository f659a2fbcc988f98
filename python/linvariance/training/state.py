"""Where runs stand: all that `resume` needs to go on as if they had never ended, but the data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import files
from ..problems import Problem
from . import optimizers, rates
from .batches import Batches
from .optimizers import BuiltIn, Optimizer
from .record import Record
from .until import Until

PARTS: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (optimizers.GradientDescent, optimizers.Adam, optimizers.AdamW, optimizers.RMSprop)
}
PARTS |= {
    cls.__name__: cls for cls in (rates.Step, rates.Exponential, rates.Cosine, rates.WarmUp, Batches, Record, Until)
}
FLAGS = ("steps", "stopped", "turned", "diverged")


@dataclass(frozen=True, eq=False, repr=False)
class State:
    """The end of a Trace, after `epoch` epochs; arrays have axes (problem, seed, ...).

    Attributes:
        problems: those trained on; none in a state from a file, which holds no data.
        optimizer, batches, seeds, record: what `train` was given.
        memories: [problem][seed], what an optimizer of one's own keeps.
        epoch: how many epochs the runs have behind them.
        layers: [problem], (seeds, P) each, raveled and joined as in `Network.flat`, in the precision of the runs.
        means: [problem], (seeds, M, P) each, of the optimizer: momentum, or Adam's two means.
        steps: (...), how many steps it has made.
        stopped: (...), the epoch in which a run stopped, by `until` or as its loss was not finite; -1 for others.
        turned: (...), whether W_1 and its means are in the eigenbasis of S', there and back again being rounded.
        diverged: (...), whether it stopped as its loss was not finite.
        until: the rules by which others stopped.
    """

    problems: tuple[Problem, ...]
    optimizer: Optimizer
    batches: Batches | None
    seeds: tuple[int, ...]
    record: Record
    epoch: int
    layers: tuple[npt.NDArray[Any], ...]
    means: tuple[npt.NDArray[Any], ...]
    steps: npt.NDArray[np.int64]
    stopped: npt.NDArray[np.int64]
    turned: npt.NDArray[np.bool_]
    diverged: npt.NDArray[np.bool_]
    memories: tuple[tuple[dict[str, Any], ...], ...] = ()
    until: Until | None = None

    @classmethod
    def of_starts(
        cls,
        problems: tuple[Problem, ...],
        layers: tuple[npt.NDArray[Any], ...],
        optimizer: Optimizer,
        batches: Batches | None,
        seeds: tuple[int, ...],
        record: Record,
    ) -> State:
        """Before the first epoch, for layers (seeds, P) of each problem."""
        runs = len(layers), len(seeds)
        means = optimizer.settings().means if isinstance(optimizer, BuiltIn) else 0
        return cls(
            problems=problems,
            optimizer=optimizer,
            batches=batches,
            seeds=seeds,
            record=record,
            epoch=0,
            layers=layers,
            means=tuple(np.zeros((len(W), means, W.shape[1]), dtype=W.dtype) for W in layers),
            steps=np.zeros(runs, dtype=np.int64),
            stopped=np.full(runs, -1),
            turned=np.zeros(runs, dtype=bool),
            diverged=np.zeros(runs, dtype=bool),
            memories=tuple(tuple({} for _ in range(runs[1])) for _ in range(runs[0])),
        )

    @property
    def has_ended(self) -> bool:
        """Whether every run has stopped by `until`."""
        return bool((self.stopped >= 0).all() and not self.diverged.any())

    @property
    def ends(self) -> npt.NDArray[np.int64]:
        """(...), where `until` stopped a run, else `epoch`."""
        return np.where((self.stopped >= 0) & ~self.diverged, self.stopped, self.epoch)

    def at(self, problem: int, seed: int) -> State:
        """That of one run."""
        one = np.s_[problem : problem + 1, seed : seed + 1]
        arrays = {name: getattr(self, name)[one] for name in FLAGS}
        arrays |= {name: (getattr(self, name)[problem][seed : seed + 1],) for name in ("layers", "means")}
        memories = tuple((of_one[seed],) for of_one in self.memories[problem : problem + 1])
        problems = self.problems[problem : problem + 1]
        arrays |= {"epoch": int(self.ends[problem, seed]), "seeds": (self.seeds[seed],)}
        return replace(self, problems=problems, memories=memories, **arrays)

    def to_fields(self) -> dict[str, Any]:
        """For `files.save`: nothing if the optimizer is of one's own, since a file holds no code."""
        if not isinstance(self.optimizer, BuiltIn):
            return {}
        about = {name: _packed(getattr(self, name)) for name in ("optimizer", "batches", "record", "until")}
        joined = {name: np.concatenate(getattr(self, name), axis=-1) for name in ("layers", "means")}
        return {"about": json.dumps(about), **joined, **{name: getattr(self, name) for name in FLAGS}}

    @classmethod
    def from_fields(
        cls,
        fields: files.Fields,
        seeds: tuple[int, ...],
        flats: npt.NDArray[Any],
        cuts: npt.NDArray[Any],
        epochs: npt.NDArray[Any],
    ) -> State:
        """Of runs with networks (seeds, ΣP), cut at `cuts`, at the last epoch; ValueError if contradicted."""
        about = json.loads(fields.text("about"))
        optimizer, batches, record = (_unpacked(about[name]) for name in ("optimizer", "batches", "record"))
        until = _unpacked(about["until"])
        if not (isinstance(optimizer, BuiltIn) and isinstance(batches, Batches | None) and isinstance(record, Record)):
            raise ValueError("it names no optimizer, batches and record")
        if not isinstance(until, Until | None):
            raise ValueError("it names no rules to stop by")
        runs, (count, size) = (len(cuts) + 1, len(flats)), flats.shape
        arrays: dict[str, Any] = {"layers": fields.array("layers", 2), "means": fields.array("means", 3)}
        arrays |= {name: fields.array(name, 2, kind) for name, kind in zip(FLAGS, "iibb", strict=True)}
        shapes = {"layers": (count, size), "means": (count, optimizer.settings().means, size)}
        for name, array in arrays.items():
            kind = np.result_type({"steps": np.int64, "stopped": np.int64}.get(name, bool if name in FLAGS else flats))
            if array.shape != shapes.get(name, runs) or array.dtype != kind:
                raise ValueError(f"its {name} of runs, {array.shape} and {array.dtype}, do not fit its networks")
        split: dict[str, Any] = {
            name: tuple(map(np.ascontiguousarray, np.split(arrays.pop(name), cuts, axis=-1))) for name in shapes
        }
        last = int(epochs[-1])
        if not np.array_equal(epochs, record.times(0, last)):
            raise ValueError(f"its epochs are not those of {record}")
        return cls((), optimizer, batches, seeds, record, last, **split, **arrays, memories=(), until=until)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "problems": ()}  # no data in pickles of results

    def __repr__(self) -> str:
        return f"State(epoch {self.epoch}, {self.optimizer})"


def _packed(part: Any) -> Any:
    """A part of a run in JSON: [its name, its fields]."""
    if type(part).__name__ not in PARTS:
        return part
    return [type(part).__name__, {field.name: _packed(getattr(part, field.name)) for field in fields(part)}]


def _unpacked(stored: Any) -> Any:
    if not (isinstance(stored, list) and len(stored) == 2 and isinstance(stored[1], Mapping)):
        return stored
    name, terms = stored
    return PARTS[name](**{key: _unpacked(value) for key, value in terms.items()})
