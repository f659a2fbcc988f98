"""The two-layer nonlinear networks of Figures 10 and 11, trained once for all figures, and how invariant they are."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import linvariance as lv
from linvariance.datasets import Digits
from linvariance.experiments.cache import NO_CACHE, Arrays, Cache, key
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.methods import AUGMENTED, HARD_WIRED
from linvariance.experiments.protocol import Protocol
from linvariance.plots import LOOKS, Look
from linvariance.progress import Track, untracked

Floats = npt.NDArray[np.float64]

ACTIVATIONS = {"leaky_relu": "leaky ReLU", "relu": "ReLU", "swish": "swish", "tanh": "tanh"}
"""Their names in `train`, and in the paper."""


@dataclass(frozen=True)
class NonlinearProtocol:
    """Constants of the paper's experiments with nonlinear networks; what `Protocol` has too is taken from there."""

    samples: tuple[int, int] = (1000, 5000)
    dropped_digit: int = Protocol.dropped_digit
    classes: int = Protocol.classes
    side: int = Protocol.side
    resize: str = Protocol.resize
    hidden: tuple[int, int] = (7, 15)  # below and above the nine outputs
    activations: tuple[str, ...] = tuple(ACTIVATIONS)

    epochs: int = 4000
    learning_rate: float = Protocol.learning_rate
    betas: tuple[float, float] = Protocol.betas
    eps: float = Protocol.eps
    dtype: str = "float32"  # PyTorch's default
    loss: str = "squared"

    every: int = 10  # epochs between two recorded losses
    tested: int = 5000  # at most so many test digits
    held_out: int = 500  # at least so many are kept from training when the source has no test set
    gaussians: int = 5000
    gaussian_seed: int = 0

    @property
    def loss_scale(self) -> str:
        """What the losses are."""
        return (
            f"Losses are PyTorch's mean reduction, ‖f(X) - Y‖² / (n·{self.classes}), as in the paper's figures; those "
            f"of the package are {self.classes} times as large."
        )

    def inputs(self, digits: Digits) -> Floats:
        """The digits as rows (n, d_0)."""
        return digits.inputs(self.side, self.resize)

    def optimizer(self) -> lv.Adam:
        """Adam such that the weights move on a `Problem` as they do in PyTorch on the mean squared error."""
        return lv.Adam(lr=self.learning_rate, betas=self.betas, eps=self.classes * self.eps)

    def split(self, digits: Digits, test: Digits | None) -> tuple[Digits, Digits]:
        """Digits to train on, the first ones in their order, and others to test on; one digit is left out of both.

        Without a test set of its own a source gives the digits that come after those for training.
        """
        usable = digits.without(self.dropped_digit)
        few, many = self.samples
        kept = 0 if test is not None else self.held_out
        size = min(many, len(usable) - kept)
        if size <= few:
            raise ValueError(
                f"There are {len(usable)} digits without {self.dropped_digit} from {digits.source}, but training on "
                f"{few} and on more of them{f', with {kept} others to test on,' if kept else ''} takes at least "
                f"{few + kept + 1}. Pass another source."
            )
        others = usable.after(size) if test is None else test.without(self.dropped_digit)
        return usable.first(size), others.first(min(self.tested, len(others)))


NONLINEAR = NonlinearProtocol()


@dataclass(frozen=True)
class Kind:
    """A kind of network: a name for files, a label and a look for pictures, the problem it poses."""

    name: str
    label: str
    look: Look
    pose: Callable[..., lv.Problem]


HARD = Kind(HARD_WIRED.name, HARD_WIRED.label, HARD_WIRED.look, lv.hard_wired)
DATA = Kind(AUGMENTED.name, AUGMENTED.label, AUGMENTED.look, lv.augmented)
CONVOLUTIONAL = Kind("convolutional", "group-convolutional", LOOKS[5], lv.convolutional)


class Setting(NamedTuple):
    """What was trained: the kind of network, on how many samples, how wide, with which activation."""

    kind: str
    samples: int
    hidden: int
    activation: str


class _Job(NamedTuple):
    """What is trained in one go: a team of (kind, few samples or many)."""

    seed: int
    activation: str
    hidden: int
    team: tuple[tuple[Kind, int], ...]


@dataclass(frozen=True, eq=False)
class Training:
    """What training did: epochs (T,), losses (seeds, T) in PyTorch's scale, and the networks it ended with."""

    epochs: npt.NDArray[np.int64]
    loss: Floats
    networks: tuple[lv.Network, ...]


@dataclass(frozen=True, eq=False)
class NonlinearExperiment:
    """A protocol on digits to train on and to test on, with seeds. Everything is computed when first asked for, once.

    Hard-wired and group-convolutional networks are trained on all training digits, augmented ones also on fewer.
    """

    protocol: NonlinearProtocol
    digits: Digits
    test: Digits
    seeds: tuple[int, ...]
    track: Track = untracked
    cache: Cache = NO_CACHE

    @cached_property
    def rotations(self) -> lv.groups.Representation:
        """The four rotations of the image, acting on its pixels."""
        return lv.groups.image_rotations(self.protocol.side)

    @property
    def samples(self) -> tuple[int, int]:
        """How many digits there are to train on: few and many."""
        return self.protocol.samples[0], len(self.digits)

    @property
    def settings(self) -> tuple[tuple[str, int], ...]:
        """(activation, hidden width) of the networks."""
        return tuple(product(self.protocol.activations, self.protocol.hidden))

    @cached_property
    def courses(self) -> dict[Setting, Training]:
        """Each network trained from each seed; those of equal shape share their initial weights, and train together."""
        # The long runs first, so that two threads end together.
        teams = [((HARD, 1),), ((DATA, 1), (CONVOLUTIONAL, 1), (DATA, 0))]
        jobs = [_Job(seed, *setting, team) for seed in self.seeds for setting in self.settings for team in teams]
        runs: dict[Setting, list[Training]] = {}
        found = self.cache.each({job: self._key(job) for job in jobs}, self._train, self.track, "Nonlinear")
        for job, arrays in found.items():
            for place, (kind, size) in enumerate(job.team):
                setting = Setting(kind.name, self.samples[size], job.hidden, job.activation)
                runs.setdefault(setting, []).append(_training(arrays, place, job.activation))
        return {setting: _joined(found) for setting, found in runs.items()}

    @cached_property
    def inputs(self) -> dict[str, Floats]:
        """Inputs (., d_0) on which invariance is measured: digits that no network has seen, and standard Gaussians."""
        generator = np.random.default_rng(self.protocol.gaussian_seed)
        return {
            "test digits": self.protocol.inputs(self.test),
            "Gaussian inputs": generator.standard_normal((self.protocol.gaussians, self.protocol.side**2)),
        }

    def errors(self, inputs: str, setting: Setting) -> list[Floats]:
        """How far from invariant the augmented network of each seed is at the inputs: see `invariance_error`."""
        X = self.inputs[inputs]
        return [invariance_error(network, X, self.rotations) for network in self.courses[setting].networks]

    def relative_errors(self, inputs: str, setting: Setting) -> list[Floats]:
        """The same, relative to the norm of the mean output: see `lv.invariance.error`."""
        X = self.inputs[inputs]
        return [lv.invariance.error(network, X, self.rotations) for network in self.courses[setting].networks]

    def _pose(self, kind: Kind, size: int, hidden: int) -> lv.Problem:
        return kind.pose(self._data[size], self.rotations, rank=min(hidden, self.protocol.classes))

    @cached_property
    def _data(self) -> list[lv.Samples]:
        parts = [self.digits.first(count) for count in self.samples]
        return [lv.Samples(self.protocol.inputs(part), part.targets(self.protocol.classes)) for part in parts]

    def _key(self, job: _Job) -> str:
        team = [(kind.name, size) for kind, size in job.team]
        return key("nonlinear", asdict(self.protocol), self.digits.sha256, job.seed, job.activation, job.hidden, team)

    def _train(self, job: _Job) -> Arrays:
        """The losses and networks of a team from one seed, as arrays for `_training`."""
        protocol = self.protocol
        problems = [self._pose(kind, size, job.hidden) for kind, size in job.team]
        trace = lv.train(
            problems,
            (problems[0].dim, job.hidden, protocol.classes),
            activation=job.activation,
            optimizer=protocol.optimizer(),
            epochs=protocol.epochs,
            seeds=(job.seed,),
            dtype=protocol.dtype,
            record=lv.Record(every=protocol.every),
        )
        weights = {
            f"W_{j}, {place}": W
            for place, (network,) in enumerate(trace.networks)
            for j, W in enumerate(network.weights, start=1)
        }
        loss = trace.loss.reshape(len(problems), 1, -1) / protocol.classes
        return {"epochs": trace.epochs, "loss": loss, **weights}


AnyExperiment = Experiment | NonlinearExperiment


def invariance_error(f: Callable[[Floats], Floats], X: Floats, rep: lv.groups.Representation) -> Floats:
    """E_g ‖1 - f(ρ(g)x)/f̄(x)‖² with f̄(x) = E_g[f(ρ(g)x)], divided entry by entry, for each row x: (n,).

    The paper prints E_g[(1 - f(ρ(g)x)/f̄(x))²] without a norm or an index of the output. The sum over outputs is our
    guess, because its medians have the size of the paper's.
    `lv.invariance.error` is relative to ‖f̄(x)‖ instead, and does not blow up where one output is near 0.

    >>> identity = lambda X: X
    >>> invariance_error(identity, np.array([[1.0, 3.0]]), lv.groups.symmetric(2))
    array([0.5])
    """
    outputs = np.stack([f(rep.multiply(X, g)) for g in rep.elements()])
    mean = outputs.mean(axis=0)
    off = outputs - mean
    # An output that vanishes on the whole orbit, such as behind hidden units that are all off, is invariant there.
    ratio = np.divide(off, mean, out=np.zeros_like(off), where=off != 0)
    errors: Floats = np.square(ratio).sum(axis=-1).mean(axis=0)
    return errors


def _training(arrays: Arrays, place: int, activation: str) -> Training:
    """That of one of a team."""
    layers = [arrays[f"W_{j}, {place}"] for j in (1, 2)]
    widths = (layers[0].shape[1], *map(len, layers))
    network = lv.Network.from_flat(np.concatenate([W.ravel() for W in layers]), widths, activation)
    return Training(arrays["epochs"], arrays["loss"][place], (network,))


def _joined(runs: list[Training]) -> Training:
    """Runs of different seeds, stacked; their epochs are the same."""
    networks = tuple(network for run in runs for network in run.networks)
    return Training(runs[0].epochs, np.concatenate([run.loss for run in runs]), networks)
