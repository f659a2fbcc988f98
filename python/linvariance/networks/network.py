"""Networks: the layers W_1, ..., W_L and their biases, their product where they are linear, the function they are."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core, files
from ..arrays import Array, as_array, frozen, instance, integer, last_axis, listed, matmul, some
from ..objectives.quadratics import Quadratic
from ..problems import Problem, refuse_bound_layers
from .activations import activation as named_activation
from .modules import layers_of, module_of

Layers = tuple[npt.NDArray[Any], ...]


class Network:
    """A network x -> W_L φ(... φ(W_1 x)); deep linear, x -> W_L ... W_1 x, unless φ is given.

    With `biases` it is x -> W_L φ(... φ(W_1 x + b_1)) + b_L, for problems on Samples; the paper's networks have none.
    A group acts on the inputs, and these enter by W_1 alone: no method of invariance touches the biases, nor does a
    penalty or ridge.

    Args:
        weights: [W_1, ..., W_L] with W_j (d_j, d_{j-1}), finite, all float64 or all float32 (others become float64);
            a width of 0 is allowed.
        activation: φ, "identity", "relu", "leaky_relu" (slope 0.01), "swish", "tanh" or "gelu" (z Φ(z) with the
            normal distribution function Φ, exactly), after all layers but the last.
        biases: [b_1, ..., b_L] with b_j (d_j,), finite; none unless given.

    >>> network = Network([[[1.0, 2.0, 3.0]], [[1.0], [10.0]]])
    >>> network.widths
    (3, 1, 2)
    >>> network.matrix
    array([[ 1.,  2.,  3.],
           [10., 20., 30.]])
    >>> network([[1.0, 1.0, 1.0]])
    array([[ 6., 60.]])
    """

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike],
        activation: str = "identity",
        biases: Sequence[npt.ArrayLike] | None = None,
    ) -> None:
        self.activation = named_activation(activation).name
        layers = [_entries(W, f"weights[{j}]", 2) for j, W in enumerate(listed(weights, "weights"))]
        if not layers:
            raise ValueError("weights is empty: a network has at least one layer W_1 (d1, d0).")
        for j in range(1, len(layers)):
            if layers[j].shape[1] != len(layers[j - 1]):
                raise ValueError(
                    f"weights[{j}] has shape {layers[j].shape}, but weights[{j - 1}] has {len(layers[j - 1])} rows: "
                    "each layer must take what the one before gives."
                )
        given = () if biases is None else listed(biases, "biases")
        shifts = [_entries(b, f"biases[{j}]", 1) for j, b in enumerate(given)]
        sizes, rows = [len(b) for b in shifts], [len(W) for W in layers]
        if biases is not None and sizes != rows:
            raise ValueError(
                f"biases have ({some(sizes)}) entries, but the layers ({some(rows)}) rows: pass one b_j for each."
            )
        if len({p.dtype for p in (*layers, *shifts)}) > 1:
            layers, shifts = ([p.astype(np.float64) for p in parts] for parts in (layers, shifts))
        self.weights: Layers = tuple(map(frozen, layers))
        self.biases: Layers = tuple(map(frozen, shifts))

    @classmethod
    def from_flat(cls, flat: npt.NDArray[Any], widths: Sequence[int], activation: str = "identity") -> Network:
        """From what `flat` is, with biases if it is so long; not checked, so it may hold a diverged run."""
        network = cls.__new__(cls)
        network.activation = activation
        shapes: list[tuple[int, ...]] = list(zip(widths[1:], widths[:-1], strict=True))
        depth = len(shapes)
        if flat.size > count_weights(widths):
            shapes += [(width,) for width in widths[1:]]
        parts = np.split(flat, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        found = tuple(frozen(part.reshape(shape)) for part, shape in zip(parts, shapes, strict=True))
        network.weights, network.biases = found[:depth], found[depth:]
        return network

    @property
    def widths(self) -> tuple[int, ...]:
        """d_0, ..., d_L."""
        return (self.weights[0].shape[1], *(len(W) for W in self.weights))

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear map, or with biases an affine one: no activation, or no hidden layer to activate."""
        return self.activation == "identity" or len(self.weights) == 1

    @property
    def parameters(self) -> Layers:
        """W_1, ..., W_L and, with biases, b_1, ..., b_L."""
        return self.weights + self.biases

    @property
    def flat(self) -> npt.NDArray[Any]:
        """All of `parameters` raveled row-major and joined: the coordinates of `hessian`."""
        return np.concatenate([p.ravel() for p in self.parameters])

    @cached_property
    def is_finite(self) -> bool:
        """Whether no weight is NaN or infinite, as after a run that diverged."""
        return all(bool(np.isfinite(p).all()) for p in self.parameters)

    @cached_property
    def matrix(self) -> npt.NDArray[Any]:
        """W = W_L ... W_1 (dL, d0) of a linear network; with biases the linear part of x -> W x + c."""
        if not self.is_linear:
            raise ValueError(f"A {self.activation} network has no end-to-end matrix: call it, or look at its weights.")
        return frozen(_core.product(list(self.widths), np.concatenate([W.ravel() for W in self.weights])))

    def __call__(self, X: npt.ArrayLike) -> Array:
        """Outputs (..., dL) for inputs X (..., d0)."""
        return self.outputs_of(
            last_axis(X, "X", self.widths[0], "the network (of a hard-wired problem: see predictor) takes")
        )

    def outputs_of(self, inputs: Array) -> Array:
        """As a call, behind the gate; no inputs at all (a width of 0) are fine here."""
        H = inputs
        for j, W in enumerate(self.weights):
            H = (named_activation(self.activation).function(H) if j else H) @ W.T
            if self.biases:
                H = H + self.biases[j]
        return H

    def to_torch(self) -> Any:
        """As a torch.nn.Sequential of Linear layers and activations, with copies of the weights and biases.

        It takes what the network takes; `predictor` says what that is in a problem.

        Raises:
            ImportError: without PyTorch.

        >>> Network([[[1.0, 2.0]], [[3.0]]], "relu").to_torch()
        Sequential(
          (0): Linear(in_features=2, out_features=1, bias=False)
          (1): ReLU()
          (2): Linear(in_features=1, out_features=1, bias=False)
        )
        """
        return module_of(self.weights, self.biases, self.activation)

    @classmethod
    def from_torch(cls, module: Any) -> Network:
        """Of a torch.nn.Sequential of Linear layers, from any device, and one kind of activation.

        All of its layers have biases, or none.

        Raises:
            ImportError: without PyTorch.
            TypeError, ValueError: naming the part of the module that a Network has not: dropout, a bias here and there.

        >>> from torch.nn import Linear, ReLU, Sequential
        >>> Network.from_torch(Sequential(Linear(3, 2), ReLU(), Linear(2, 1)))
        Network(3-2-1, relu, biases, float32)
        """
        return cls(*layers_of(module))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an npz file (no pickle) at exactly `path`, under a temporary name first.

        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Network([[[1.0, 2.0]], [[3.0]]], "tanh").save(f"{folder}/network.npz")
        ...     again = Network.load(f"{folder}/network.npz")
        >>> again.widths, again.activation, again.flat.tolist()
        ((2, 1, 1), 'tanh', [1.0, 2.0, 3.0])
        """
        files.save(path, "Network", {"flat": self.flat, "widths": self.widths, "activation": self.activation})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """A Network that `save` wrote; ValueError if the file holds anything else."""
        return files.load(path, "Network", lambda fields: cls.from_fields(fields, fields.array("flat", 1)))

    @classmethod
    def from_fields(cls, fields: files.Fields, flat: npt.NDArray[Any]) -> Network:
        """From what a file says of widths and activation; ValueError where that contradicts."""
        widths = check_widths(fields.array("widths", 1, "i").tolist())
        counts_of([widths], flat.size)
        return cls.from_flat(flat, widths, named_activation(fields.text("activation")).name)

    def __reduce__(self) -> tuple[Any, ...]:
        return Network.from_flat, (self.flat, self.widths, self.activation)

    def __repr__(self) -> str:
        kind = ("" if self.activation == "identity" else f"{self.activation}, ") + "biases, " * bool(self.biases)
        return f"Network({'-'.join(map(str, self.widths))}, {kind}{self.weights[0].dtype})"


def predictor(problem: Problem, network: Network) -> Callable[[npt.ArrayLike], Array]:
    """X (n, d0) -> f(X) (n, dL): the function that a network of a problem is, on the inputs themselves.

    A hard-wired network acts on B x, a convolutional one averages its first hidden layer over the group, and in a
    metric the outputs of a network are K f(x).

    >>> import linvariance as lv
    >>> data = lv.Samples([[1.0, 0.0], [0.0, 2.0]], [1.0, 2.0])
    >>> p = lv.hard_wired(data, lv.groups.symmetric(2), rank=1)
    >>> f = predictor(p, lv.Network([[[1.0]], [[2.0]]], "tanh"))
    >>> bool(np.allclose(f([[1.0, 3.0]]), f([[3.0, 1.0]])))
    True
    """
    _check_pair(problem, network)
    rep, single = problem.representation, len(network.weights) == 1
    phi = named_activation("identity" if single else network.activation).function

    def pooled(X: npt.ArrayLike) -> Array:
        inputs, W = last_axis(X, "X", rep.dim), np.asarray(network.weights[0], dtype=np.float64)
        elements, H = rep.elements(), np.zeros((*inputs.shape[:-1], len(W)))
        for g in elements:
            A = inputs @ rep.multiply(W, g).T
            H += phi(A + network.biases[0] if network.biases else A)
        H /= len(elements)
        if single:
            return H
        rest = np.concatenate([p.ravel() for p in (*network.weights[1:], *network.biases[1:])])
        return Network.from_flat(rest, network.widths[1:], network.activation).outputs_of(H)

    if problem.method == "convolutional":
        return pooled
    if problem.inner is not None:  # on Moments, so of linear networks
        W = problem.lift(network.matrix)
        return lambda X: last_axis(X, "X", rep.dim) @ W.T
    if problem.is_hard_wired:
        B = rep.invariants
        return lambda X: network.outputs_of(matmul(last_axis(X, "X", rep.dim), B.T))
    return network


def network_loss(problem: Problem, network: Network) -> float:
    """The problem's loss at a network, penalty included: what `train` records.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Samples([[1.0]], [2.0]), rank=1)
    >>> round(network_loss(p, lv.Network([[[1.0]], [[1.0]]], "tanh")), 6)  # (tanh 1 - 2)²
    1.533649
    """
    _check_pair(problem, network)
    if isinstance(problem.objective, Quadratic):
        return problem.objective.loss_at(_in_double(network))
    return problem.objective.loss_at(network.widths, network.activation, network.flat)


def value_and_gradient(problem: Problem, network: Network) -> tuple[float, list[Array]]:
    """The problem's loss at a network, and its gradient [G_1, ..., G_L] in the layers, G_j of the shape of W_j.

    In float64, whatever the network holds; with biases they are followed by [g_1, ..., g_L], of b_1, ..., b_L. On
    Moments G_j = (W_L ... W_{j+1})ᵀ D (W_{j-1} ... W_1)ᵀ with D = 2 (W S' - C'), and the first call prepares S' for all
    that follow; on Samples by back-propagation. The gradient of a linear map alone is `Problem.gradient`.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1)
    >>> value_and_gradient(p, lv.Network([[[2.0]], [[1.0]]]))  # f = (w_2 w_1 - 3)²
    (1.0, [array([[-2.]]), array([[-4.]])])
    """
    _check_pair(problem, network)
    if isinstance(problem.objective, Quadratic):
        layers = _in_double(network)
        return problem.objective.loss_at(layers), problem.objective.gradient_at(layers)
    flat = np.asarray(network.flat, dtype=np.float64)
    value, gradient = problem.objective.core().gradient(list(network.widths), network.activation, flat)
    ends = np.cumsum([p.size for p in network.parameters])[:-1]
    return value, [G.reshape(p.shape) for G, p in zip(np.split(gradient, ends), network.parameters, strict=True)]


def _in_double(network: Network) -> list[Array]:
    return [np.asarray(W, dtype=np.float64) for W in network.weights]


def _check_pair(problem: Problem, network: Network) -> None:
    instance(problem, Problem, "problem", "pose one with hard_wired, augmented, ...")
    instance(network, Network, "network", "take it from a Trace, or make one with Network([W_1, ..., W_L])")
    check_fit(problem, network)


def check_fit(problem: Problem, network: Network, name: str = "network") -> None:
    """ValueError unless the network leads from the problem's dim to its outputs, and is one that can pose it."""
    if (network.widths[0], network.widths[-1]) != (problem.dim, problem.outputs):
        raise ValueError(
            f"{name} leads from {network.widths[0]} to {network.widths[-1]}, but the problem from {problem.dim} to "
            f"{problem.outputs}."
        )
    if not network.is_finite:
        raise ValueError(f"{name} holds NaN or infinite weights.")
    check_activation_fits(problem, "identity" if network.is_linear else network.activation, bool(network.biases))


def count_weights(widths: Sequence[int], biases: bool = False) -> int:
    """How many entries all layers of these widths have, or with biases all layers and those."""
    return sum(after * (before + biases) for before, after in itertools.pairwise(widths))


def counts_of(shapes: Sequence[Sequence[int]], total: int) -> list[int]:
    """Of networks that have so many weights together, all of them biases or none; ValueError if that cannot be."""
    for biases in (False, True):
        counts = [count_weights(shape, biases) for shape in shapes]
        if sum(counts) == total:
            return counts
    raise ValueError(f"widths {some(shapes)} contradict the number of weights, {total}")


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """d_0, ..., d_L as ints; zeros are legal (no invariants at all)."""
    found = tuple(integer(width, f"widths[{j}]", minimum=0) for j, width in enumerate(listed(widths, "widths")))
    if len(found) < 2:
        raise ValueError(f"widths must name at least d_0 and d_L, but are {found}.")
    return found


def _entries(given: npt.ArrayLike, name: str, ndim: int) -> npt.NDArray[Any]:
    array = as_array(given, name)
    if array.ndim != ndim:
        raise ValueError(f"{name} must be a {'vector' if ndim == 1 else 'matrix'}, but has shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite entries: every weight must be finite.")
    return np.array(array, dtype=np.float32 if array.dtype == np.float32 else np.float64, order="C")


def check_activation_fits(problem: Problem, activation: str, biases: bool = False) -> None:
    """ValueError for a nonlinear network, or one with biases, of a problem that only linear ones have."""
    if biases and isinstance(problem.objective, Quadratic):
        raise ValueError(
            "A network with biases needs the samples themselves: pose the problem on Samples(X, y). On Moments center "
            "the data, moments.centered(), or add a column of ones to X."
        )
    if named_activation(activation).name == "identity":
        refuse_bound_layers(problem)
        return
    if isinstance(problem.objective, Quadratic):
        raise ValueError(
            f"A {activation} network needs the samples themselves: pose the problem on Samples(X, y), not Moments."
        )
    if problem.ridge:
        raise ValueError(f"A ridge, on ‖W‖² of a linear map, fits no {activation} network: use weight_decay in train.")
    if problem.method == "regularized":
        raise ValueError(f"The penalty ‖W G‖² is of a linear map, and a {activation} network is none: use augmented.")
