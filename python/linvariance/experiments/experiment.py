"""The problems of one loss on one sample of digits: solved where possible, and trained once for all figures."""

import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

import linvariance as lv
from linvariance.datasets import Digits
from linvariance.experiments.methods import HARD_WIRED, Method, learned
from linvariance.experiments.protocol import LOSS_NAMES, Protocol

Floats = npt.NDArray[np.float64]
Item = typing.TypeVar("Item")


class Track(typing.Protocol):
    """A progress bar: iterates, and shows how far it has come."""

    def __call__(self, items: Sequence[Item], description: str) -> Iterable[Item]:
        """The items, one after the other."""


def untracked(items: Sequence[Item], description: str) -> Iterable[Item]:
    """The progress bar that shows nothing."""
    del description
    return items


@dataclass(frozen=True, eq=False)
class Course:
    """What training did to one problem: epochs (T,), the other quantities (seeds, T), the entries (seeds, T, E).

    `norm_seen` and `norm_frozen` split ‖W⊥‖ for the augmented problem; elsewhere they are as in `Trace`.
    """

    epochs: npt.NDArray[np.int64]
    accuracy: Floats
    loss: Floats
    norm: Floats
    norm_perp: Floats
    norm_first_perp: Floats
    norm_seen: Floats
    norm_frozen: Floats
    entries: Floats


@dataclass(frozen=True, eq=False)
class Experiment:
    """A protocol on a sample of digits with seeds. Everything else is computed when it is first asked for, once."""

    protocol: Protocol
    digits: Digits
    seeds: tuple[int, ...]
    track: Track = untracked

    def __post_init__(self) -> None:
        if not self.seeds:
            raise ValueError("There are 0 seeds, but training needs at least 1. Pass seeds=(0,).")

    @cached_property
    def rotations(self) -> lv.groups.Representation:
        """The four rotations of the image, acting on its pixels."""
        return lv.groups.image_rotations(self.protocol.side)

    @cached_property
    def inputs(self) -> Floats:
        """The digits as rows (n, d_0)."""
        return self.protocol.inputs(self.digits)

    @cached_property
    def data(self) -> lv.Moments | lv.Samples:
        """The digits as the protocol's loss needs them."""
        return self.protocol.data(self.digits)

    @cached_property
    def learned(self) -> tuple[Method, ...]:
        """The methods that have to learn invariance: augmented, and regularized in the protocol's order of λ."""
        return learned(self.protocol)

    @cached_property
    def problems(self) -> dict[Method, lv.Problem]:
        """The problem of each method, the hard-wired one first."""
        methods = (HARD_WIRED, *self.learned)
        return {method: method.pose(self.data, self.rotations, self.protocol) for method in methods}

    @cached_property
    def solutions(self) -> dict[Method, lv.Solution]:
        """The closed-form optimum of each method; none for a loss without closed form."""
        problems = self.problems if self.protocol.is_solved else {}
        return {method: lv.solve(problem) for method, problem in problems.items()}

    @cached_property
    def courses(self) -> dict[Method, Course]:
        """Each method trained from each seed; methods that learn share their initial weights, and train together."""
        runs: dict[Method, list[Course]] = {method: [] for method in self.problems}
        jobs = [(methods, seed) for seed in self.seeds for methods in ((HARD_WIRED,), self.learned)]
        for methods, seed in self.track(jobs, f"Training, {LOSS_NAMES[self.protocol.loss]}"):
            for method, course in zip(methods, self._train(methods, seed), strict=True):
                runs[method].append(course)
        return {method: _joined(courses) for method, courses in runs.items()}

    def accuracy(self, W: Floats) -> Floats:
        """Accuracy on the digits and all their rotations of W (..., d_L, d_0)."""
        return np.asarray(lv.invariance.accuracy(W, self.inputs, self.digits.labels, self.rotations))

    def norm_perp(self, W: Floats) -> float:
        """‖W⊥‖ of W (d_L, d_0)."""
        return float(np.linalg.norm(lv.invariance.split(W, self.rotations).perp))

    def _train(self, methods: Sequence[Method], seed: int) -> list[Course]:
        trace = lv.train(
            [self.problems[method] for method in methods],
            optimizer=self.protocol.optimizer(),
            epochs=self.protocol.epochs,
            seeds=(seed,),
            record=lv.Record(every=self.protocol.every, entries=self.protocol.entries, weights=True),
        )
        return [self._course(trace.at(place, 0)) for place in range(len(methods))]

    def _course(self, run: lv.Trace) -> Course:
        """All of the run but its weights, which take 4 MB and serve the accuracy only."""
        assert run.weights is not None  # they were recorded
        kept = {name: getattr(run, name) for name in _names(Course) if name != "accuracy"}
        return Course(accuracy=self.accuracy(run.weights), **kept)


def _joined(runs: Sequence[Course]) -> Course:
    """Runs of different seeds, stacked; their epochs are the same."""
    stacked = {name: np.stack([getattr(run, name) for run in runs]) for name in _names(Course)}
    return Course(**stacked | {"epochs": runs[0].epochs})


def _names(kind: type[Course]) -> list[str]:
    return [field.name for field in fields(kind)]
