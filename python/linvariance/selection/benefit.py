"""What a symmetry is worth at this number of samples: predicted, and cross-validated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import integer, real
from ..data.moments import Moments
from ..groups import Representation, trivial
from ..optima import solve
from ..problems import check_pose, hard_wired
from ..tables import Columns, Table, Tabular
from .folds import Folds, averaged, folds_of, mean_square


@dataclass(frozen=True)
class SymmetryBenefit(Tabular):
    """Excess risks of least squares with and without the symmetry; squared errors are per output.

    Attributes:
        n: samples; one less than there were if Moments are centred.
        inputs, invariants: d0 and d, the parameters per output without and with the symmetry.
        noise: σ², from the residuals of least squares without symmetry.
        cv_none, cv_symmetric: K-fold cross-validated squared error; None without rows.
        cv_gain, cv_gain_error: their difference, and its standard error from how folds differ.
        cv_n: samples that a fold was fitted with, on average.
    """

    n: float
    inputs: int
    invariants: int
    noise: float
    cv_none: float | None
    cv_symmetric: float | None
    cv_gain: float | None
    cv_gain_error: float | None
    cv_n: float | None

    def excess(self, n: float, parameters: int) -> float:
        """σ² k/(n - k - 1), the excess risk of least squares with k parameters an output and Gaussian inputs.

        >>> SymmetryBenefit(99, 8, 2, 3.0, None, None, None, None, None).excess(12, 8)
        8.0
        """
        samples, parameters = real(n, "n"), integer(parameters, "parameters", minimum=0)
        if samples <= parameters + 1:
            raise ValueError(f"n must exceed {parameters + 1} for {parameters} parameters, but is {n:g}.")
        return self.noise * parameters / (samples - parameters - 1)

    def gain(self, n: float | None = None) -> float:
        """The predicted gain at n samples, those there were unless given.

        It is what the symmetry saves in variance. It pays as long as what it costs in bias, the squared error of the
        best invariant map beyond that of the best linear one, is below that.

        >>> SymmetryBenefit(12, 8, 2, 9.0, None, None, None, None, None).gain()  # 9 (8/3 - 2/9)
        22.0
        """
        n = self.n if n is None else n
        return self.excess(n, self.inputs) - self.excess(n, self.invariants)

    def _rows(self) -> list[list[object]]:
        n = self.n
        rows = [["predicted", n, self.excess(n, self.inputs), self.excess(n, self.invariants), self.gain(), None]]
        if self.cv_n is not None:
            rows += [["cross-validated", self.cv_n, self.cv_none, self.cv_symmetric, self.cv_gain, self.cv_gain_error]]
        return rows

    def _columns(self) -> Columns:
        names = ["estimate", "n", "without", "with", "gain", "gain_error"]
        return dict(zip(names, zip(*self._rows(), strict=True), strict=True))

    def _table(self) -> Table:
        note = "predicted: excess risk of an exact symmetry"
        if self.cv_n is not None:
            note += "; cross-validated: squared error, noise and bias included"
        head = f"SymmetryBenefit: {self.invariants} parameters an output for {self.inputs}, noise {self.noise:.4g}"
        return Table(head, ["", "n", "without", "with", "gain", "±"], self._rows(), note)

    def __repr__(self) -> str:
        return str(self._table())


def symmetry_benefit(
    X: npt.ArrayLike | Moments,
    Y: npt.ArrayLike | None = None,
    rep: Representation | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
) -> SymmetryBenefit:
    """Predicted and cross-validated gain of hard-wiring a symmetry into least squares (no rank bound, no intercept).

    Predicted for zero-mean Gaussian inputs and an exactly invariant truth: excess risk σ² d0/(n - d0 - 1) without the
    symmetry and σ² d/(n - d - 1) with it, per output. Cross-validation makes no such assumption: a gain below the
    prediction is bias, the price of a symmetry that does not hold.

    Args:
        X: rows (n, d0), or Moments, for the prediction alone; centred ones if there is an intercept.
        Y: targets (n, dL) or (n,); left out with Moments.
        rep: the group.
        folds: parts of the cross-validation.
        seed: of the shuffling before rows are dealt into folds.

    >>> import linvariance as lv
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 4))
    >>> worth = symmetry_benefit(X, X.sum(axis=1) + rng.standard_normal(40), lv.groups.symmetric(4))
    >>> worth.gain() > 0, round(worth.gain(40) / worth.noise, 6)  # 4/35 - 1/38
    (True, 0.08797)
    """
    data = folds_of(X, Y, folds, seed)
    check_pose(data.whole, rep, None)  # type: ignore[arg-type]
    assert rep is not None
    none, n, outputs = trivial(rep.dim), data.whole.contrasts, data.whole.outputs
    if n <= rep.dim + 1:
        raise ValueError(
            f"X has {n:g} rows, but the prediction needs more than {rep.dim + 1}: with fewer, least squares without "
            "symmetry has no finite risk. Compare cross-validated errors of select_symmetry, which has a ridge."
        )
    fit = solve(hard_wired(data.whole, none, rank=outputs))
    left = data.whole.n * fit.loss / ((n - fit.data_rank) * outputs)
    return SymmetryBenefit(n, rep.dim, rep.invariants.shape[0], left, *_validated(data, none, rep))


def _validated(
    data: Folds, none: Representation, rep: Representation
) -> tuple[float, float, float, float, float] | tuple[None, None, None, None, None]:
    if not data.parts:
        return (None,) * 5
    losses = np.array([[_held_out(rest, part, group) for group in (none, rep)] for rest, part in data.splits()])
    plain, symmetric = (averaged(column, data.parts)[0] for column in losses.T)
    gain, error = averaged(losses[:, 0] - losses[:, 1], data.parts)
    return plain, symmetric, gain, error, data.whole.n * (1 - 1 / len(data.parts))


def _held_out(rest: Moments, part: Moments, rep: Representation) -> float:
    return mean_square(solve(hard_wired(rest, rep, rank=rest.outputs)).weights, part)
