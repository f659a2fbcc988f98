"""The optimum of a problem, as a frozen object with a readable repr."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from .. import files
from ..arrays import Array
from ..plots import explain, mark, opened, spectrum
from ..tables import Columns, Tabular

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALARS = {"float": "fi", "int": "i", "bool": "b"}  # kinds of dtype in a file, by annotation


@dataclass(frozen=True, eq=False)
class Solution(Tabular):
    """Global minimum of a problem; of all minimizers the one with the least Frobenius norm.

    Attributes:
        weights: W (dL, d0).
        loss: its loss with 1/n, penalty and ridge included, in the problem's metric: the floor (residual without a
            rank bound) plus the squares of the dropped σ.
        singular_values: σ of the whitened target Z = C'A⁻¹, descending, min(dL, data_rank) of them.
        rank: of the weights found, min(rank bound, rank Z).
        gap: (σ_r - σ_{r+1}) / σ_1 at the rank bound r, with σ = 0 beyond the end; 0 if Z = 0, and inside a multiplet.
        data_rank: decided rank of the problem's input moment S' (of an augmented one on the invariants, where the
            optimum lives, as for its hard-wired twin): singular values of its root A above
            max(shape)·eps·σ_1, and above max(shape)·eps·‖X‖ of the data before the group acted (B X may be nothing
            but rounding).
        condition: of the root A on its support; regularized with wide data of more than 256 columns, on what these see.
        unique: no other minimizer has this norm or less: r >= rank Z or σ_r > σ_{r+1} beyond rounding; of a hard-wired
            equivariant problem, no other choice of multiplets takes away as much.
        least_norm: False for augmented (without ridge) and equivariant problems with a representation that is not
            orthogonal: then the invariant optimum W Π (the equivariant one that is least in an orthonormal basis) is
            returned, of the same loss; where S̄ is singular others may have a smaller norm.
        certified: False where only a descent was possible (regularized equivariance with a rank bound): then the
            weights are a local minimum at least as good as the truncated solution, and nothing more is claimed.
    """

    weights: Array = field(repr=False)
    loss: float
    singular_values: Array = field(repr=False)
    rank: int
    gap: float
    data_rank: int
    condition: float
    unique: bool
    least_norm: bool = True
    certified: bool = True

    def plot(self, ax: Axes | None = None) -> Axes:
        """The singular values of Z and the rank; draws into `ax` if given, where other spectra may be, and returns it.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]])
        >>> lv.solve(lv.unconstrained(m, rank=1)).plot().lines[0].get_ydata().round(12)
        array([2.12132034, 0.70710678])
        """
        axes = opened(ax)
        spectrum(axes, self.singular_values, f"σᵢ(Z), loss {self.loss:.4g} at rank {self.rank}")
        if self.rank < len(self.singular_values):
            mark(axes, self.rank + 0.5, f"rank {self.rank}")
        explain(axes, "index i", "singular value")
        return axes

    def _columns(self) -> Columns:
        sigma = self.singular_values
        return {"index": np.arange(1, len(sigma) + 1), "singular_value": sigma}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an npz file (no pickle) at exactly `path`, under a temporary name first.

        >>> import linvariance as lv
        >>> from tempfile import TemporaryDirectory
        >>> found = lv.solve(lv.unconstrained(lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0]), rank=1))
        >>> with TemporaryDirectory() as folder:
        ...     found.save(f"{folder}/optimum.npz")
        ...     Solution.load(f"{folder}/optimum.npz").weights.round(12).tolist()
        [[3.0, 1.0]]
        """
        files.save(path, "Solution", {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Solution:
        """A Solution that `save` wrote; ValueError if the file holds anything else."""
        return files.load(path, "Solution", cls._from_fields)

    @classmethod
    def _from_fields(cls, stored: files.Fields) -> Solution:
        kinds = {f.name: SCALARS[str(f.type)] for f in fields(cls) if f.type in SCALARS}
        values = {name: stored.number(name, kind) for name, kind in kinds.items()}
        found = cls(weights=stored.array("weights", 2), singular_values=stored.array("singular_values", 1), **values)
        if not 0 <= found.rank <= min(found.weights.shape):
            raise ValueError(f"rank {found.rank} is none of a matrix {found.weights.shape}")
        return found
