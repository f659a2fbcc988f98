"""What scikit-learn and this package ask of rows, before they are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array

from ..arrays import Anyreal, Array, index, instance, sample_weights
from ..groups import Representation, trivial

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # scikit-learn < 1.6

    def validate_data(estimator: Any, *rows: Any, **checks: Any) -> Any:
        """As scikit-learn 1.6 has it."""
        return estimator._validate_data(*rows, **checks)


KINDS = (np.float64, np.float32)


def inputs_of(estimator: Any, X: Any, *, reset: bool = False) -> Anyreal:
    """Rows X (n, d0), their names and number remembered or compared."""
    _refuse_unread(X=X)
    rows: Anyreal = validate_data(estimator, X, dtype=KINDS, reset=reset)
    return rows


def samples_of(
    estimator: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool
) -> tuple[Anyreal, Anyreal, Array | None]:
    """Rows X (n, d0), numeric targets (n,) or (n, dL), weights (n,) or None."""
    _refuse_unread(X=X, y=y)
    X, y = validate_data(estimator, X, y, dtype=KINDS, multi_output=True, y_numeric=True, reset=reset)
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y must hold real numbers, but holds {y.dtype}.")
    return X, y, weights_of(sample_weight, len(X))


def labelled_of(estimator: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Anyreal, npt.NDArray[Any], Array | None]:
    """Rows X (n, d0), classes (n,), weights (n,) or None; rows of weight 0 are left out."""
    _refuse_unread(X=X, y=y)
    X, y = validate_data(estimator, X, y, dtype=KINDS)
    weights = weights_of(sample_weight, len(X))
    if weights is None:
        return X, y, None
    counted = weights > 0
    return X[counted], y[counted], weights[counted]


def weights_of(sample_weight: Any, n: int) -> Array | None:
    """Non-negative weights (n,), or None."""
    return None if sample_weight is None else sample_weights(sample_weight, n, "sample_weight")


def numbers(value: Any, name: str) -> Array:
    """Rows of any kind that scikit-learn takes, as finite float64."""
    _refuse_unread(**{name: value})
    rows: Array = check_array(value, dtype=np.float64, ensure_min_features=0, input_name=name)
    return rows


def group_of(group: Representation | None, dim: int) -> Representation:
    """The group, or the trivial one, if it acts on the inputs there are."""
    if group is None:
        return trivial(dim)
    instance(group, Representation, "group", "see linvariance.groups, or None for no symmetry")
    if group.dim != dim:
        raise ValueError(f"X has {dim} columns, but the group acts on {group.dim}: {group!r} does not fit these data.")
    return group


def flag(value: object, name: str) -> bool:
    """A bool, and nothing that would pass for one."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, but is {value!r:.60}.")
    return bool(value)


def rank_of(rank: int | None, outputs: int, name: str = "rank") -> int:
    """The rank bound; None bounds nothing. Values below 1 are for the problem to refuse."""
    return outputs if rank is None else index(rank, name)


def _refuse_unread(**arrays: npt.ArrayLike) -> None:
    """What scikit-learn would read as numbers: masked entries, and dates as counts of their units."""
    for name, array in arrays.items():
        if isinstance(array, np.ma.MaskedArray):
            raise TypeError(f"{name} is a masked array: fill or drop the masked entries first.")
        held = np.asarray(array) if hasattr(array, "dtypes") else array  # a frame has a kind for each column
        if getattr(getattr(held, "dtype", None), "kind", "") in ("m", "M"):
            raise TypeError(f"{name} holds {held.dtype}: pass numbers, such as days since a date.")  # type: ignore[union-attr]
