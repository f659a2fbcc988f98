"""The problems of one loss on one sample of digits: solved where possible, and trained once for all figures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

import linvariance as lv
from linvariance.datasets import Digits
from linvariance.experiments.cache import NO_CACHE, Arrays, Cache, key
from linvariance.experiments.methods import HARD_WIRED, Method, learned
from linvariance.experiments.protocol import LOSS_NAMES, Protocol
from linvariance.progress import Track, untracked

Floats = npt.NDArray[np.float64]


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
    cache: Cache = NO_CACHE

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
        jobs = [(methods, seed) for seed in self.seeds for methods in ((HARD_WIRED,), self.learned)]
        words = f"Training, {LOSS_NAMES[self.protocol.loss]}"
        runs: dict[Method, list[Course]] = {method: [] for method in (HARD_WIRED, *self.learned)}
        found = self.cache.each({job: self._key(*job) for job in jobs}, self._train, self.track, words)
        for (methods, _), arrays in found.items():
            for method in methods:
                runs[method].append(Course(**{name: arrays[f"{method.name}, {name}"] for name in _names(Course)}))
        return {method: _joined(courses) for method, courses in runs.items()}

    def accuracy(self, W: Floats) -> Floats:
        """Accuracy on the digits and all their rotations of W (..., d_L, d_0)."""
        return np.asarray(lv.invariance.accuracy(W, self.inputs, self.digits.labels, self.rotations))

    def norm_perp(self, W: Floats) -> float:
        """‖W⊥‖ of W (d_L, d_0)."""
        return float(np.linalg.norm(lv.invariance.split(W, self.rotations).perp))

    def _key(self, methods: Sequence[Method], seed: int) -> str:
        return key("linear", asdict(self.protocol), self.digits.sha256, [method.name for method in methods], seed)

    def _train(self, job: tuple[Sequence[Method], int]) -> Arrays:
        """The course of each method from this seed, as arrays named by method and quantity."""
        methods, seed = job
        trace = lv.train(
            [self.problems[method] for method in methods],
            optimizer=self.protocol.optimizer(),
            epochs=self.protocol.epochs,
            seeds=(seed,),
            record=lv.Record(every=self.protocol.every, entries=self.protocol.entries, weights=True),
        )
        return {
            f"{method.name}, {name}": self._quantity(trace.at(place, 0), name)
            for place, method in enumerate(methods)
            for name in _names(Course)
        }

    def _quantity(self, run: lv.Trace, name: str) -> Floats:
        """One of a Course's. The weights themselves take 4 MB and serve the accuracy only."""
        if name != "accuracy":
            return np.asarray(getattr(run, name))
        assert run.weights is not None  # they were recorded
        return self.accuracy(run.weights)


def _joined(runs: Sequence[Course]) -> Course:
    """Runs of different seeds, stacked; their epochs are the same."""
    stacked = {name: np.stack([getattr(run, name) for run in runs]) for name in _names(Course)}
    return Course(**stacked | {"epochs": runs[0].epochs})


def _names(kind: type[Course]) -> list[str]:
    return [field.name for field in fields(kind)]
