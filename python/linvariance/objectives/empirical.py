"""The loss of each method on the samples themselves, where no second moments carry it: what `Quadratic` is to moments.

The three methods are the same three maps: restriction to invariant inputs, average over the group, penalty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from ..arrays import Array, frozen, refuse_large
from ..groups import Representation
from ..groups.fourier import Fourier, fourier

FEWEST = 32  # samples: for fewer no transform is made


class Empirical:
    """(1/n) Σ_i ℓ(f(x_i), y_i) + tr(W P Wᵀ), averaged over the elements of a group that act on the inputs.

    Attributes:
        X: inputs (n, dim), targets: (dL, n), one-hot for cross-entropy.
        loss_name: "squared" or "cross_entropy".
        rep: the group whose elements are averaged over; None for none. They act on the first layer, W_1 ρ(g), so that
            no augmented data are ever stored.
        pooled: average the first hidden layer over the group, not the loss.
        penalty: P (dim, dim), or None.
    """

    def __init__(
        self,
        X: npt.NDArray[Any],
        targets: Array,
        loss_name: str,
        *,
        rep: Representation | None = None,
        pooled: bool = False,
        penalty: Array | None = None,
    ) -> None:
        self.X, self.targets, self.loss_name = X, frozen(targets), loss_name
        self.rep, self.pooled, self.penalty = rep, pooled, penalty
        self._elements = _enumerated(rep)
        self._cores: dict[tuple[str, bool], Any] = {}

    @property
    def dim(self) -> int:
        """Columns of V, d_0 of the networks."""
        return self.X.shape[1]

    @property
    def outputs(self) -> int:
        """Rows of V, d_L."""
        return len(self.targets)

    @property
    def rows(self) -> int:
        """Rows of the augmented data: row k is element k // n of the group on sample k % n."""
        return len(self.X) * (1 if self.pooled else self._elements.count)

    def workspace(self, width: int) -> int:
        """Bytes that one pass takes: W_1 ρ(g) of this width and its gradient, and what they give on a block."""
        return 8 * self._elements.count * width * (4 * self.dim + 6 * _core.sample_block)

    def loss(self, V: Array) -> float:
        """The loss of a linear map V (dL, dim)."""
        return float(self._at(V)[0])

    def gradient(self, V: Array) -> Array:
        """Its gradient (dL, dim)."""
        return np.asarray(self._at(V)[1]).reshape(V.shape)

    def loss_at(self, widths: tuple[int, ...], activation: str, flat: npt.NDArray[Any]) -> float:
        """The loss of a network, all layers raveled and joined."""
        weights = np.ascontiguousarray(flat, dtype=np.float64)
        return float(self.core().gradient(list(widths), activation, weights)[0])

    def core(self, dtype: npt.DTypeLike = np.float64, *, passes: bool = False) -> Any:
        """As the C++ core takes it, in one precision; data that are contiguous and of this kind are not copied.

        With `passes`, for many passes over all samples: where it pays, in the coordinates of the group's Fourier
        transform, which is then the one copy made.
        """
        kind = np.dtype(dtype)
        transform = self._fourier() if passes else None
        key = kind.name, transform is not None
        if key not in self._cores:
            make: Any = _core.SampleProblem32 if kind == np.float32 else _core.SampleProblem
            X: npt.NDArray[Any] = self.X if transform is None else transform.transform(self.X, kind)
            X, targets = (np.ascontiguousarray(array, dtype=kind) for array in (X, self.targets))
            P = np.zeros((0, 0), kind) if self.penalty is None else np.ascontiguousarray(self.penalty, dtype=kind)
            last = None if transform is None else _as_core(transform)
            given: tuple[Any, ...] = (X, targets, self._elements, self.pooled, self.loss_name, P, last)
            self._cores[key] = make(*given)
        return self._cores[key]

    def _fourier(self) -> Fourier | None:
        """The one place that chooses: None for the plain pass, with a first layer for each element."""
        if self.rep is None or self._elements.count == 1 or len(self.X) < FEWEST:
            return None
        found = fourier(self.rep)
        return found if found is not None and found.pays(len(self.X)) else None

    def _at(self, V: Array) -> Any:
        return self.core().gradient([self.dim, self.outputs], "identity", V.ravel())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_cores", "_elements")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _cores={}, _elements=_enumerated(state["rep"]))  # the core's are made again


def _as_core(transform: Fourier) -> _core.Fourier:
    N = transform.spread
    return _core.Fourier(transform.ranges, N.indptr.tolist(), N.indices.tolist(), N.data.tolist(), transform.F)


def _enumerated(rep: Representation | None) -> _core.Elements:
    """Images and signs, or matrices, of all elements; ValueError for a group too large to go through."""
    if rep is None:
        return _core.Elements()
    try:
        elements = rep.elements()
    except ValueError as error:
        raise ValueError(
            f"rep has too many elements to average over on Samples: {str(error).partition(':')[0]}. Use hard_wired, or "
            "groups.subgroup, or for the squared loss and linear networks Moments, which need no enumeration."
        ) from None
    if elements.dtype.kind == "i":
        images, signs = (elements, None) if elements.ndim == 2 else (elements[:, 0], elements[:, 1])
        return _core.Elements(len(images), images.ravel().tolist(), [] if signs is None else signs.ravel().tolist())
    refuse_large(elements.nbytes, f"rep: {len(elements)} dense elements of {rep!r}", "use hard_wired, or a subgroup")
    return _core.Elements(len(elements), matrices=[np.ascontiguousarray(one) for one in elements])
