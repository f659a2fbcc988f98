from collections.abc import Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T", np.float64, np.float32)

build: dict[str, str]
sample_block: int
sample_parts: int

_Classes = tuple[NDArray[np.int32], NDArray[np.int8] | None, int]

def orbits(images: NDArray[np.int64], signs: NDArray[np.int8] | None = ...) -> _Classes: ...
def orbitals(
    left: NDArray[np.int64],
    left_signs: NDArray[np.int8] | None,
    right: NDArray[np.int64],
    right_signs: NDArray[np.int8] | None,
) -> _Classes: ...
def average(
    values: NDArray[np.float64], labels: NDArray[np.int32], classes: int, signs: NDArray[np.int8] | None = ...
) -> NDArray[np.float64]: ...
def kernel_products(A: NDArray[_T], B: NDArray[_T]) -> tuple[NDArray[_T], NDArray[_T], NDArray[_T]]: ...
def activation(name: str, a: NDArray[_T]) -> tuple[NDArray[_T], NDArray[_T], NDArray[_T]]: ...
def loss(name: str, outputs: NDArray[_T], targets: NDArray[_T]) -> tuple[float, NDArray[_T]]: ...
def product(widths: Sequence[int], weights: NDArray[_T]) -> NDArray[_T]: ...
def product_pullback(widths: Sequence[int], weights: NDArray[_T], D: NDArray[_T]) -> NDArray[_T]: ...
def product_tangent(widths: Sequence[int], weights: NDArray[_T], direction: NDArray[_T]) -> NDArray[_T]: ...
def path_points(
    triangle: NDArray[np.float64],
    targets: NDArray[np.float64],
    diagonal: NDArray[np.float64],
    above: NDArray[np.float64],
    strengths: NDArray[np.float64],
    kept: int,
    rank: int,
    threads: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]: ...

class SecondMoments:
    @overload
    def __init__(self, S: NDArray[np.float64], C: NDArray[np.float64]) -> None: ...
    @overload
    def __init__(self, basis: NDArray[np.float64], values: NDArray[np.float64], C: NDArray[np.float64]) -> None: ...
    @overload
    def __init__(
        self,
        R: NDArray[np.float64],
        F: tuple[Sequence[int], Sequence[int], NDArray[np.float64]],
        C: NDArray[np.float64],
    ) -> None: ...
    @overload
    def __init__(
        self,
        order: Sequence[int],
        segments: Sequence[tuple[int, NDArray[np.float64]]],
        blocks: Sequence[tuple[Sequence[tuple[int, int]], NDArray[np.float64]]],
        C: NDArray[np.float64],
    ) -> None: ...
    def gradient(self, layers: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]: ...

class SecondMoments32:
    @overload
    def __init__(self, S: NDArray[np.float64], C: NDArray[np.float64]) -> None: ...
    @overload
    def __init__(self, basis: NDArray[np.float64], values: NDArray[np.float64], C: NDArray[np.float64]) -> None: ...
    @overload
    def __init__(
        self,
        R: NDArray[np.float64],
        F: tuple[Sequence[int], Sequence[int], NDArray[np.float64]],
        C: NDArray[np.float64],
    ) -> None: ...
    @overload
    def __init__(
        self,
        order: Sequence[int],
        segments: Sequence[tuple[int, NDArray[np.float64]]],
        blocks: Sequence[tuple[Sequence[tuple[int, int]], NDArray[np.float64]]],
        C: NDArray[np.float64],
    ) -> None: ...

def network_loss(
    layers: Sequence[NDArray[np.float64]], A: NDArray[np.float64], T: NDArray[np.float64], floor: float
) -> float: ...

class Hessian:
    def __init__(
        self, moments: SecondMoments, widths: Sequence[int], weights: NDArray[np.float64], second: str = ...
    ) -> None: ...
    def apply(self, directions: NDArray[np.float64]) -> NDArray[np.float64]: ...

class GradientDescentSettings:
    def __init__(self, momentum: float, weight_decay: float, nesterov: bool) -> None: ...
    @property
    def means(self) -> int: ...

class AdamSettings:
    def __init__(self, beta1: float, beta2: float, eps: float, weight_decay: float, decoupled: bool) -> None: ...
    @property
    def means(self) -> int: ...

class RMSpropSettings:
    def __init__(self, alpha: float, eps: float, weight_decay: float, momentum: float, centered: bool) -> None: ...
    @property
    def means(self) -> int: ...

class Until:
    def __init__(self, loss: float, gradient_norm: float, relative_change: float) -> None: ...
    @property
    def asks(self) -> bool: ...
    @property
    def asks_for_gradient(self) -> bool: ...
    def holds(self, value: float, before: float, gradient: float) -> bool: ...

class Plan:
    def __init__(
        self,
        begin: int,
        end: int,
        every: int,
        rates: NDArray[np.float64],
        until: Until,
        weights: bool,
        networks: bool,
        threads: int,
    ) -> None: ...

class States:
    def __init__(
        self,
        layers: NDArray[np.float64],
        means: NDArray[np.float64],
        steps: NDArray[np.int64],
        stopped: NDArray[np.int64],
        turned: NDArray[np.bool_],
        diverged: NDArray[np.bool_],
        before: NDArray[np.float64],
    ) -> None: ...

class States32:
    def __init__(
        self,
        layers: NDArray[np.float32],
        means: NDArray[np.float32],
        steps: NDArray[np.int64],
        stopped: NDArray[np.int64],
        turned: NDArray[np.bool_],
        diverged: NDArray[np.bool_],
        before: NDArray[np.float64],
    ) -> None: ...

class Observables:
    def __init__(
        self,
        parts: Sequence[NDArray[np.float64]],
        entry_rows: Sequence[int],
        entry_columns: NDArray[np.float64],
        A: NDArray[np.float64] = ...,
        T: NDArray[np.float64] = ...,
        floor: float = ...,
        back: NDArray[np.float64] = ...,
        rest: Sequence[bool] = ...,
        invariants: tuple[Sequence[int], Sequence[int], NDArray[np.float64]] = ...,
    ) -> None: ...

class Recorded:
    @property
    def network(self) -> NDArray[Any]: ...
    @property
    def loss(self) -> NDArray[np.float64]: ...
    @property
    def norm(self) -> NDArray[np.float64]: ...
    @property
    def first(self) -> NDArray[np.float64]: ...
    @property
    def parts(self) -> NDArray[np.float64]: ...
    @property
    def entries(self) -> NDArray[np.float64]: ...
    @property
    def weights(self) -> NDArray[np.float64]: ...
    @property
    def layers(self) -> NDArray[np.float64]: ...

class Elements:
    def __init__(
        self,
        count: int = ...,
        images: Sequence[int] = ...,
        signs: Sequence[float] = ...,
        matrices: Sequence[NDArray[np.float64]] = ...,
    ) -> None: ...
    @property
    def count(self) -> int: ...

class Fourier:
    def __init__(
        self,
        ranges: Sequence[tuple[int, int, int]],
        starts: Sequence[int],
        columns: Sequence[int],
        entries: Sequence[float],
        F: NDArray[np.float64],
    ) -> None: ...

class SampleProblem:
    def __init__(
        self,
        X: NDArray[np.float64],
        targets: NDArray[np.float64],
        group: Elements,
        pooled: bool,
        loss: str,
        penalty: NDArray[np.float64],
        fourier: Fourier | None = ...,
    ) -> None: ...
    def gradient(
        self,
        widths: Sequence[int],
        activation: str,
        weights: NDArray[np.float64],
        rows: NDArray[np.int32] | None = ...,
    ) -> tuple[float, NDArray[np.float64]]: ...

class SampleProblem32:
    def __init__(
        self,
        X: NDArray[np.float32],
        targets: NDArray[np.float32],
        group: Elements,
        pooled: bool,
        loss: str,
        penalty: NDArray[np.float32],
        fourier: Fourier | None = ...,
    ) -> None: ...
    def gradient(
        self,
        widths: Sequence[int],
        activation: str,
        weights: NDArray[np.float32],
        rows: NDArray[np.int32] | None = ...,
    ) -> tuple[float, NDArray[np.float32]]: ...

class SampleHessian:
    def __init__(
        self,
        problem: SampleProblem,
        widths: Sequence[int],
        activation: str,
        weights: NDArray[np.float64],
        second: str = ...,
    ) -> None: ...
    def apply(self, directions: NDArray[np.float64]) -> NDArray[np.float64]: ...

def train_on_samples(
    widths: Sequence[Sequence[int]],
    activation: str,
    problems: Sequence[Any],
    looks: Sequence[Observables],
    states: Sequence[States] | Sequence[States32],
    orders: Sequence[NDArray[np.int32]],
    batch: int,
    settings: GradientDescentSettings | AdamSettings | RMSpropSettings,
    plan: Plan,
) -> list[Recorded]: ...
def train(
    widths: Sequence[Sequence[int]],
    problems: Sequence[SecondMoments] | Sequence[SecondMoments32],
    looks: Sequence[Observables],
    states: Sequence[States] | Sequence[States32],
    settings: GradientDescentSettings | AdamSettings | RMSpropSettings,
    plan: Plan,
) -> list[Recorded]: ...
