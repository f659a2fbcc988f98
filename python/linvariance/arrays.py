"""The gate: what users pass becomes finite arrays and numbers of a known kind and shape, or a sentence.

Behind it nobody checks again.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

Array = npt.NDArray[np.float64]
Anyreal = npt.NDArray[Any]

MEMORY_LIMIT = 2**30  # bytes that no call asks for unsaid
BLOCK_BYTES = 8 * 2**20  # data are looked at in row blocks of about this size, never copied whole


def reals(value: object, name: str, ndim: tuple[int, ...] = (2,)) -> Anyreal:
    """`value` as a non-empty array of finite bool, int, float16, float32 or float64; not copied if it is one."""
    array = as_array(value, name)
    if array.ndim not in ndim:
        wanted = " or ".join(str(k) for k in ndim)
        raise ValueError(f"{name} must have {wanted} dimensions, but has {array.ndim} (shape {array.shape}).")
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}).")
    # A sum of squares is finite only if all entries are; else a closer look.
    if array.dtype.kind == "f" and not (array.size <= 2**16 and math.isfinite(np.vdot(array, array))):
        for rows in row_slices(len(array), array[:1].size):
            if not np.isfinite(array[rows]).all():
                where = np.argwhere(~np.isfinite(array))[0].tolist()
                raise ValueError(f"{name}{where} is {array[tuple(where)]}: every entry must be finite.")
    return array


def matrix(value: object, name: str, shape: tuple[int | None, int | None] = (None, None)) -> Array:
    """`value` as a finite, C-ordered float64 matrix of the given shape (None: any)."""
    array = reals(value, name) if 0 not in shape else as_array(value, name)
    if array.ndim != 2 or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        wanted = " x ".join("any" if k is None else str(k) for k in shape)
        raise ValueError(f"{name} must be {wanted}, but has shape {array.shape}.")
    return np.ascontiguousarray(array, dtype=np.float64)


def last_axis(value: object, name: str, length: int, who: str = "the group acts on") -> Array:
    """`value` as a finite float64 array (..., length)."""
    array = reals(value, name, ndim=tuple(range(1, 9)))
    if array.shape[-1] != length:
        raise ValueError(f"{name} has {array.shape[-1]} columns, but {who} {length}: pass an array (..., {length}).")
    return np.ascontiguousarray(array, dtype=np.float64)


def samples(X: object, Y: object, names: tuple[str, str] = ("X", "Y")) -> tuple[Anyreal, Anyreal]:
    """Inputs (n, d0) and targets (n, dL); targets (n,) become one column."""
    inputs, targets = reals(X, names[0]), reals(Y, names[1], ndim=(1, 2))
    if len(inputs) != len(targets):
        raise ValueError(
            f"{names[0]} has {len(inputs)} rows and {names[1]} has {len(targets)}: rows are samples, so pass as many "
            "of each."
        )
    return inputs, targets.reshape(len(targets), -1)


def nonnegative(value: object, n: int, name: str = "weights") -> Array:
    """Non-negative weights (n,)."""
    weights = np.asarray(reals(value, name, ndim=(1,)), dtype=np.float64)
    if len(weights) != n:
        raise ValueError(f"{name} has {len(weights)} entries for {n} rows of X.")
    if weights.min() < 0:
        raise ValueError(f"{name}[{int(weights.argmin())}] is {weights.min()}: {name} must not be negative.")
    return weights


def total_weight(total: float, name: str = "weights") -> float:
    """The sum of weights, positive and finite."""
    if not 0 < total < math.inf:
        found = total if total else "zero"
        raise ValueError(f"{name} sum to {found}: the total weight must be positive and finite.")
    return total


def sample_weights(value: object, n: int, name: str = "weights") -> Array:
    """Non-negative weights (n,) with a positive, finite sum."""
    weights = nonnegative(value, n, name)
    total_weight(float(weights.sum()), name)
    return weights


def instance(value: object, kind: type | tuple[type, ...], name: str, hint: str) -> None:
    """TypeError unless `value` is of a kind; the hint says how to get one."""
    if not isinstance(value, kind):
        kinds = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise TypeError(f"{name} must be {kinds}, but is {type(value).__name__}: {hint}.")


def listed(value: object, name: str) -> list[Any]:
    """`value` as a list; strings, dicts and numbers are refused."""
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence, but is {value!r:.60}.")
    return list(value)


def refuse_large(size: int, what: str, advice: str) -> None:
    """ValueError if `what` would take more bytes than the limit, with their number and the way out."""
    if size > MEMORY_LIMIT:
        gib = f"{size / 2**30:,.3g}" if size < 2**1000 else written(size >> 30)
        raise ValueError(f"{what} would take {gib} GiB, above 1 GiB: {advice}.")


def some(values: Sequence[object]) -> str:
    """The first three of many, and how many there are, for a sentence.

    >>> some([1, 2]), some(range(1000))
    ('1, 2', '0, 1, 2, ... (1000 in all)')
    """
    shown = ", ".join(f"{value!r:.30}" for value in values[:3])
    return shown if len(values) <= 3 else f"{shown}, ... ({len(values)} in all)"


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`array`, C-ordered and read-only, so that it can be handed out and kept."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def index(value: object, name: str) -> int:
    """`value` as an int of any size; bool and fractions are refused."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, but is the bool {value}.")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, but is {value!r:.60}.") from None


def integer(value: object, name: str, minimum: int = 1, maximum: int = 2**53) -> int:
    """`value` as an int from `minimum` to `maximum`; bool and fractions are refused."""
    number = index(value, name)
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, but is {written(number)}.")
    if number > maximum:
        raise ValueError(f"{name} must be at most {maximum:,}, but is {written(number)}.")
    return number


def written(number: int) -> str:
    """An int in a sentence: of one with more digits than one reads, how many; str() stops at 4300.

    >>> written(5040), written(math.factorial(2000)), written(-(2**64))
    ('5,040', 'about 10^5735', 'about -10^19')
    """
    return f"{number:,}" if abs(number) < 10**12 else f"about {'-' * (number < 0)}10^{int(math.log10(abs(number)))}"


def real(value: object, name: str, minimum: float = 0.0, *, positive: bool = False) -> float:
    """`value` as a finite float of at least `minimum` (above it, if `positive`)."""
    if isinstance(value, (bool, np.bool_, str, bytes, complex, np.complexfloating)):
        raise TypeError(f"{name} must be a real number, but is {value!r:.60}.")
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise ValueError(f"{name} must be finite in float64, so at most 1.8e308 in size.") from None
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a real number, but is {value!r:.60}.") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, but is {number}.")
    if number < minimum or (positive and number == minimum):
        raise ValueError(f"{name} must be {'above' if positive else 'at least'} {minimum:g}, but is {number:g}.")
    return number


def fraction(value: object, name: str, *, positive: bool = False) -> float:
    """`value` as a float from 0 (above it, if `positive`) to below 1."""
    number = real(value, name, positive=positive)
    if number >= 1:
        raise ValueError(f"{name} must be below 1, but is {number:g}.")
    return number


def dense(A: Any) -> Array:
    """A NumPy or SciPy sparse matrix as a NumPy array."""
    return np.asarray(A.toarray() if scipy.sparse.issparse(A) else A)


def by_rows(A: Any) -> tuple[list[int], list[int], Array]:
    """A SciPy sparse matrix as the C++ core takes it: where its rows start, columns and values."""
    return A.indptr.tolist(), A.indices.tolist(), np.ascontiguousarray(A.data, dtype=np.float64)


def matmul(A: Array, B: Any) -> Array:
    """A B (..., n), C-ordered, for a NumPy array A (..., k) and a matrix B (k, n) that may be SciPy's sparse one."""
    rows = A.reshape(math.prod(A.shape[:-1]), A.shape[-1])
    if not scipy.sparse.issparse(B):
        return np.ascontiguousarray(rows @ B).reshape(*A.shape[:-1], B.shape[1])
    out = np.empty((len(rows), B.shape[1]))
    for block in row_slices(*out.shape):  # SciPy makes a transposed copy
        out[block] = rows[block] @ B
    return out.reshape(*A.shape[:-1], B.shape[1])


def row_slices(rows: int, columns: int, at_least: int = 1) -> Iterator[slice]:
    """Successive slices of rows, about BLOCK_BYTES as float64 each, and of `at_least` rows but for the last."""
    step = max(at_least, BLOCK_BYTES // (8 * max(1, columns)))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def stacked(table: Any, names: Iterable[Any], name: str) -> Anyreal:
    """Columns of a table (n, len(names)), each through the gate."""
    return np.stack([reals(table[key], f"{name} (column {key!r})", ndim=(1,)) for key in names]).T


def as_array(value: Any, name: str) -> Anyreal:
    """`value` as an array of real numbers, finite or not: lists, frames, what has `__array__` or DLPack on the CPU."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array: fill or drop the masked entries first.")
    if scipy.sparse.issparse(value):
        raise TypeError(f"{name} is a sparse matrix: pass {name}.toarray().")
    try:
        bare = hasattr(value, "__dlpack__") and not hasattr(value, "__array__")
        array = np.from_dlpack(value) if bare else np.asarray(value)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        raise _refusal(value, name, error) from None
    columns = getattr(value, "columns", None)
    if array.dtype == object and columns is not None and len(columns) == len(set(columns)) > 0 < len(array):
        return stacked(value, columns, name)  # of a frame with columns of different kinds
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"{name} must hold bool, int, float16, float32 or float64, but {_instead(value, array)}.")
    return array


def _instead(value: object, array: Anyreal) -> str:
    """What it holds that is no number, and what to do."""
    if type(value).__module__.split(".")[0] == __package__:
        return f"is {type(value).__name__}: pass an array, such as its weights or its matrix"
    text = "convert it by astype(float), labels by np.unique(labels, return_inverse=True)[1]"
    return f"holds {array.dtype}" + f": {text}" * (array.dtype.kind in "OUST")


def _refusal(value: object, name: str, error: Exception) -> Exception:
    """Why it is no array, and what to do."""
    device = str(getattr(value, "device", "cpu"))
    if "cpu" not in device.lower():
        return TypeError(f"{name} is on the device {device}, not in main memory: pass {name}.cpu().")
    if getattr(value, "requires_grad", False):
        return TypeError(f"{name} requires a gradient, and none flows through linvariance: pass {name}.detach().")
    reason = str(error).rstrip(".")
    if hasattr(value, "__array__") or hasattr(value, "__dlpack__"):
        return TypeError(f"{name} ({type(value).__name__}) does not become a NumPy array: {reason}.")
    return ValueError(f"{name} is no rectangular array: {reason}.")
