"""What training leaves behind: a frozen object with a readable repr."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import files
from ..arrays import Array, integer, some
from ..networks.activations import activation as named_activation
from ..networks.network import Network, check_widths, counts_of
from ..plots import Curve, draw, explain, few, looks, opened, wide_range
from ..tables import Columns, Table, Tabular
from .state import State

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = ("loss", "norm", "norm_perp", "norm_first_perp", "norm_seen", "norm_frozen")


@dataclass(frozen=True, eq=False)
class Trace(Tabular):
    """Record of training runs; arrays have axes (problem, seed, time, ...), T = len(epochs).

    State e is that after e updates (before the update of epoch e); the first, 0, and the last, after all epochs, are
    always there. Of a nonlinear network norms, entries and weights are those of W_1; of a linear convolutional one of W
    before the average over the group. With one problem and one seed the two leading axes are dropped and `network` is
    the Network itself.

    Attributes:
        epochs: (T,).
        ends: (problem, seed), the epoch in which each run ended: where `until` stopped it, else the last one. After
            that all of it is NaN (and before, if it diverged: from there on).
        seeds: of numpy's default_rng, one for each run of a problem.
        methods: of the problems, such as "hard_wired" or "regularized, λ = 0.1".
        loss: with 1/n, as in the paper's (4), (7), (9); PyTorch's mean reduction is this divided by dL. Penalty and
            ridge are in it, weight decay is not.
        norm: ‖W‖ of the end-to-end W (dL, d0).
        norm_perp: ‖W⊥‖, W⊥ = W (I - Π).
        norm_first_perp: ‖W_1 (I - Π)‖, which gradient flow on an augmented problem never lets grow (see `dynamics`).
        norm_seen, norm_frozen: its two parts (see Split), for augmented problems; NaN elsewhere, 0 for hard-wired ones.
        entries: (..., T, E), the followed entries of W.
        weights: (..., T, dL, d0), if recorded, else None.
        layers: [problem][seed], (T, P) each, all layers raveled and joined (see `Network.flat`), if recorded, else
            None; see `network_at` and `states`.
        networks: final networks, [problem][seed]; problems may differ in their widths.
        state: what `resume` goes on from.

    As a data frame it has a row for each problem (counted from 0), seed and epoch, for seaborn, plotly, SQL.
    """

    epochs: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    loss: Array
    norm: Array
    norm_perp: Array
    norm_first_perp: Array
    norm_seen: Array
    norm_frozen: Array
    entries: Array
    weights: Array | None
    layers: tuple[tuple[Array, ...], ...] | None
    networks: tuple[tuple[Network, ...], ...]
    state: State | None = None

    @property
    def network(self) -> Network | _Networks:
        """The final network: `t.network` of a single run, `t.network(i, k)` of problem i and seed k otherwise."""
        return self.networks[0][0] if self._is_single else _Networks(self.networks)

    @property
    def _is_single(self) -> bool:
        return self.loss.ndim == 1

    @property
    def final_loss(self) -> Array:
        """(problem, seed), the losses of the final networks, where each run ended.

        >>> import linvariance as lv
        >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1)
        >>> rule, until = lv.GradientDescent(0.02), lv.Until(loss=1e-6)
        >>> trace = lv.train(p, epochs=1000, optimizer=rule, seeds=(0, 1), until=until)
        >>> trace.ends.tolist(), bool(trace.final_loss.max() <= 1e-6), np.isnan(trace.loss[..., -1]).tolist()
        ([[60, 50]], True, [[False, True]])
        """
        return self.at_ends(self.loss)

    def at_ends(self, values: Array) -> Array:
        """What values (problem, seed, T) are where each run ended."""
        return np.take_along_axis(values, np.searchsorted(self.epochs, self.ends)[..., np.newaxis], axis=-1)[..., 0]

    def at(self, problem: int = 0, seed: int = 0) -> Trace:
        """The Trace of one run, of problem i and the k-th seed, up to where it ended."""
        network = _Networks(self.networks)(problem, seed)
        if self._is_single:
            return self
        there = np.s_[: int(np.searchsorted(self.epochs, self.ends[problem, seed])) + 1]
        arrays = {name: getattr(self, name)[problem, seed][there] for name in (*MEASURES, "entries")}
        arrays |= {"epochs": self.epochs[there], "ends": self.ends[problem, seed, ...]}
        arrays |= {"seeds": (self.seeds[seed],), "methods": (self.methods[problem],)}
        weights = None if self.weights is None else self.weights[problem, seed][there]
        layers = None if self.layers is None else ((self.layers[problem][seed][there],),)
        state = None if self.state is None else self.state.at(problem, seed)
        return replace(self, **arrays, weights=weights, layers=layers, networks=((network,),), state=state)

    def single(self, name: str = "trace") -> Trace:
        """The trace itself; ValueError with its `name` if it holds several runs.

        >>> import linvariance as lv
        >>> trace = lv.train(lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1), epochs=1)
        >>> trace.single() is trace
        True
        """
        if not self._is_single:
            runs = f"{len(self.networks)} x {len(self.networks[0])}"
            raise ValueError(f"{name} holds {runs} runs: pass one, {name}.at(i, k).")
        return self

    def network_at(self, epoch: int, problem: int = 0, seed: int = 0) -> Network:
        """The network after so many updates, to the bit that of a run that ends there; its last is always there.

        Raises:
            ValueError: for an epoch after the end of the run, one that was not recorded, or if networks were not.

        >>> import linvariance as lv
        >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1)
        >>> trace = lv.train(p, epochs=20, record=lv.Record(every=5, networks=True))
        >>> bool(np.all(trace.network_at(15).flat == lv.train(p, epochs=15).network.flat))
        True
        """
        run, epoch = self.at(problem, seed), integer(epoch, "epoch", minimum=0)
        final = run.networks[0][0]
        if epoch == run.ends:
            return final
        if epoch > run.ends:
            raise ValueError(
                f"epoch {epoch} was never reached: run ({problem}, {seed}) ended in epoch {run.ends}. Choose one up to "
                "there, or resume the run, trace.at(i, k)."
            )
        place = int(np.searchsorted(run.epochs, epoch))
        if run.epochs[place] != epoch:
            near = run.epochs[place - 1 : place + 1].tolist()
            raise ValueError(
                f"epoch {epoch} was not recorded, but {' and '.join(map(str, near))}: choose one of trace.epochs, or "
                "train with Record(every=1, networks=True)."
            )
        if run.layers is None:
            raise ValueError(f"epoch {epoch}: trace keeps no networks but the last: pass record=Record(networks=True).")
        flat = run.layers[0][0][place].astype(final.weights[0].dtype)
        return Network.from_flat(flat, final.widths, final.activation)

    def states(self, problem: int = 0, seed: int = 0) -> Iterator[tuple[int, Network]]:
        """(epoch, network) for each recorded epoch of one run up to its end, made one after the other.

        >>> import linvariance as lv
        >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1)
        >>> trace = lv.train(p, epochs=20, record=lv.Record(networks=True))
        >>> [epoch for epoch, network in trace.states() if lv.network_loss(p, network) <= trace.loss[0]]
        [0, 10, 20]
        """
        run = self.at(problem, seed)
        return ((epoch, run.network_at(epoch)) for epoch in run.epochs.tolist())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Losses over epochs, for each problem the median over seeds within the band from least to greatest.

        It goes as far as all seeds of a problem do, where `until` stopped some before others.
        Draws into `ax` if given, and returns the axes.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data([[1.0, 2.0]], [1.0])
        >>> trace = lv.train([lv.unconstrained(m, rank=1, ridge=r) for r in (0.0, 1.0)], epochs=9, seeds=(0, 1))
        >>> len(trace.plot().lines)
        2
        """
        axes, losses = opened(ax), self.loss.reshape(len(self.networks), -1, len(self.epochs))
        named = few(len(losses)) if len(losses) > 1 else ()
        labels = [self._label(i) if i in named else "" for i in range(len(losses))]
        every = looks(len(losses))
        draw(axes, [Curve(*one) for one in zip(labels, [self.epochs] * len(losses), losses, every, strict=True)])
        if wide_range(losses):
            axes.set_yscale("log")
        explain(axes, "epoch", "loss")
        if named:
            axes.legend(frameon=False)
        return axes

    def _label(self, problem: int) -> str:
        name = self.methods[problem]
        return name.replace("_", "-") + (f", problem {problem}" if self.methods.count(name) > 1 else "")

    def _columns(self) -> Columns:
        runs = len(self.networks), len(self.networks[0])
        there = (self.epochs <= self.ends[..., np.newaxis]).ravel()
        problem, seed, time = np.indices((*runs, len(self.epochs))).reshape(3, -1)[:, there]
        measures = {name: getattr(self, name).ravel()[there] for name in MEASURES}
        entries = self.entries.reshape(len(there), -1)[there].T
        columns: dict[str, Any] = {"problem": problem, "method": np.array(self.methods)[problem]}
        columns |= {"seed": np.array(self.seeds)[seed], "epoch": self.epochs[time], **measures}
        return {**columns, **{f"entry_{k}": entry for k, entry in enumerate(entries)}}

    def _table(self) -> Table:
        """Of the last state of each run."""
        last = np.cumsum(np.searchsorted(self.epochs, self.ends) + 1) - 1
        columns = {name: np.asarray(column)[last] for name, column in self._columns().items()}
        return Table(repr(self), list(columns), list(zip(*columns.values(), strict=True)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an npz file (no pickle) at exactly `path`, under a temporary name first.

        >>> import linvariance as lv
        >>> from tempfile import TemporaryDirectory
        >>> trace = lv.train(lv.unconstrained(lv.Moments.from_data([[1.0, 2.0]], [1.0]), rank=1), epochs=9)
        >>> with TemporaryDirectory() as folder:
        ...     trace.save(f"{folder}/trace.npz")
        ...     again = Trace.load(f"{folder}/trace.npz")
        >>> bool(np.all(again.loss == trace.loss)), bool(np.all(again.network.flat == trace.network.flat))
        (True, True)
        """
        arrays = {name: getattr(self, name) for name in ("epochs", "ends", *MEASURES, "entries", "weights")}
        kinds = [of_one[0] for of_one in self.networks]
        joined = {  # those of all problems side by side
            "flats": np.hstack([np.stack([network.flat for network in of_one]) for of_one in self.networks]),
            "layers": None if self.layers is None else np.concatenate([np.stack(one) for one in self.layers], axis=-1),
            "widths": np.concatenate([kind.widths for kind in kinds]),
            "depths": [len(kind.weights) for kind in kinds],
        }
        names = {"seeds": np.array(self.seeds), "methods": json.dumps(self.methods)}
        state = {} if self.state is None else self.state.to_fields()
        about = {"activation": kinds[0].activation, **{f"state_{name}": field for name, field in state.items()}}
        files.save(path, "Trace", {**arrays, **joined, **names, **about})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trace:
        """A Trace that `save` wrote; ValueError if the file holds anything else."""
        return files.load(path, "Trace", _from_fields)

    def __repr__(self) -> str:
        runs = f"{len(self.networks)} problems x {len(self.networks[0])} seeds"
        losses, first, last = self.final_loss, self.ends.min(), self.ends.max()
        ends = f"epoch {last}" if first == last else f"epochs {first} .. {last}"
        return (
            f"Trace({runs}, {len(self.epochs)} states up to {ends}, "
            f"final loss {losses.min():.6g} .. {losses.max():.6g})"
        )


def _from_fields(fields: files.Fields) -> Trace:
    epochs, depths, widths = (fields.array(name, 1, "i") for name in ("epochs", "depths", "widths"))
    flats = fields.array("flats", 2)
    counts = len(depths), len(flats)
    runs = () if fields["loss"].ndim == 1 and counts == (1, 1) else counts
    measures: dict[str, Any] = {name: fields.array(name, len(runs) + 1) for name in MEASURES}
    entries = fields.array("entries", len(runs) + 2)
    weights = fields.array("weights", len(runs) + 3) if "weights" in fields else None
    layers = fields.array("layers", 3) if "layers" in fields else None
    states = (*runs, len(epochs))
    arrays = [*measures.values(), entries, *([] if weights is None else [weights])]
    if 0 in states or 0 in counts or any(array.shape[: len(states)] != states for array in arrays):
        raise ValueError(f"its arrays are not all of {counts} runs and {len(epochs)} states")
    ends = fields.array("ends", len(runs), "i")
    if ends.shape != runs or not np.isin(ends, epochs).all() or ends.max() != epochs[-1]:
        raise ValueError(f"its runs end in epochs {ends.tolist()}, which do not fit those recorded")
    if layers is not None and layers.shape != (len(flats), len(epochs), flats.shape[1]):
        raise ValueError(f"its layers are of shape {layers.shape}, but the networks {flats.shape}")
    if min(depths) < 1 or sum(depths) + len(depths) != len(widths):
        raise ValueError(f"depths {some(depths.tolist())} contradict the number of widths, {len(widths)}")
    shapes = [check_widths(one.tolist()) for one in np.split(widths, np.cumsum(depths + 1)[:-1])]
    cuts = np.cumsum(counts_of(shapes, flats.shape[1]))[:-1]
    activation = named_activation(fields.text("activation")).name
    networks = tuple(
        tuple(Network.from_flat(flat, shape, activation) for flat in of_one)
        for of_one, shape in zip(np.split(flats, cuts, axis=1), shapes, strict=True)
    )
    kept = None if layers is None else tuple(tuple(of_one) for of_one in np.split(layers, cuts, axis=-1))
    seeds = tuple(fields.array("seeds", 1, "i").tolist())
    methods = tuple(files.printable(str(name)) for name in json.loads(fields.text("methods")))
    if (len(methods), len(seeds)) != counts or min(seeds) < 0:
        raise ValueError(f"its seeds {seeds} and methods {methods} do not fit its {counts} networks")
    stored = fields.within("state_")
    state = State.from_fields(stored, seeds, flats, cuts, epochs) if stored else None
    if state is not None and not np.array_equal(state.ends.reshape(runs), ends):
        raise ValueError(f"its runs end in epochs {ends.tolist()}, but its state is after {state.ends.tolist()}")
    looked: dict[str, Any] = {"entries": entries, "weights": weights, "layers": kept}
    return Trace(
        epochs=epochs, ends=ends, seeds=seeds, methods=methods, **measures, **looked, networks=networks, state=state
    )


@dataclass(frozen=True, repr=False)
class _Networks:
    networks: tuple[tuple[Network, ...], ...]

    def __call__(self, problem: int = 0, seed: int = 0) -> Network:
        if not (0 <= problem < len(self.networks) and 0 <= seed < len(self.networks[0])):
            raise IndexError(
                f"There is no run ({problem}, {seed}): the trace has {len(self.networks)} problems and "
                f"{len(self.networks[0])} seeds, counted from 0."
            )
        return self.networks[problem][seed]

    def __repr__(self) -> str:
        return f"<networks of {len(self.networks)} problems x {len(self.networks[0])} seeds: call with (problem, seed)>"
