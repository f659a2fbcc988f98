"""A user's data file, read into inputs and targets, or refused with a sentence that says where it is wrong."""

import csv
import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from linvariance.arrays import MEMORY_LIMIT, samples
from linvariance.experiments.experiment import Floats
from linvariance.experiments.results import listed
from linvariance.files import arrays, cause

LONGEST_LINE = 2**24  # characters of a .csv: what is read at once

Raw = tuple[npt.NDArray[Any], npt.NDArray[Any], str]
"""X, Y, and which of the file's columns or arrays they were."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Inputs and targets of one file.

    Attributes:
        X: inputs (n, d0).
        Y: targets (n, dL).
        source: the file, and which part of it the targets were.
    """

    X: Floats
    Y: Floats
    source: str

    @property
    def sha256(self) -> str:
        """Hash of both shapes and all entries as float64, X before Y: equal for equal data, whatever their file."""
        sizes = np.array([*self.X.shape, *self.Y.shape], dtype="<i8")
        return hashlib.sha256(b"".join(a.tobytes() for a in (sizes, self.X, self.Y))).hexdigest()

    def __repr__(self) -> str:
        return f"Dataset({len(self.X)} samples, {self.X.shape[1]} inputs, {self.Y.shape[1]} outputs, {self.source})"


def read(path: Path, targets: str | None = None) -> Dataset:
    """The data in an .npz, .npy or .csv file.

    Args:
        path: an .npz with X (n, d0) and either Y (n, dL) or integer labels y (n,), which become one-hot targets; an
            .npy matrix or a .csv with a line of column names, rows being samples.
        targets: how many of the last columns of the .npy are targets, by default the last one; or the names of those of
            the .csv, joined by commas, which may be left out if it has two columns.

    Raises:
        OSError, ValueError: naming the file and the place in it.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"{path} is no {listed(list(READERS), 'or')} file. Save the data as one of them.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Pass the path of an .npz, .npy or .csv file with the data.")
    X, Y, part = reader(path, targets)
    try:
        X, Y = samples(X, Y)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
    X, Y = (np.array(a, dtype=np.float64, order="C") for a in (X, Y))
    return Dataset(X, Y, f"{path}, {part}")


def loaded(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz by name, or that of an .npy under the name ""; ValueError for anything else."""
    try:
        return arrays(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}.") from None
    except Exception as error:  # whatever NumPy, zipfile and its decompressors raise at damaged files
        raise ValueError(
            f"{path} cannot be read as NumPy arrays of numbers ({cause(error)}). Save it with numpy.save or "
            "numpy.savez; arrays of objects are not read."
        ) from None


def _from_npz(path: Path, targets: str | None) -> Raw:
    if targets is not None:
        raise ValueError(f"--targets {targets} chooses columns of .csv and .npy files, but in {path} Y is an array.")
    content = loaded(path)
    if "X" not in content or ("Y" in content) == ("y" in content):
        found = listed(sorted(content)) if content else "nothing"
        raise ValueError(
            f"{path} holds {found}, but must hold X (n, d0) and one of Y (n, dL) and integer labels y (n,). Save it "
            "with numpy.savez(path, X=X, Y=Y)."
        )
    if "Y" in content:
        return content["X"], content["Y"], "targets Y"
    classes, onehot = _encoded(content["y"], path)
    return content["X"], onehot, f"targets the one-hot encoded labels y = {_shortened(classes.tolist())}"


def _encoded(y: npt.NDArray[Any], path: Path) -> tuple[npt.NDArray[Any], Floats]:
    """The classes in ascending order, and one-hot rows (n, classes)."""
    if y.ndim != 1 or y.dtype.kind not in "iu" or not len(y):
        raise ValueError(
            f"{path}: y must hold integer labels (n,), but has shape {y.shape} and holds {y.dtype}. Save other targets "
            "as Y."
        )
    classes, places = np.unique(y, return_inverse=True)
    size = 8 * len(classes) * len(y)
    if size > MEMORY_LIMIT:
        raise ValueError(
            f"{path}: y holds {len(classes):,} different labels, one-hot {size / 2**30:.3g} GiB, above 1 GiB. Save "
            "numbers that are no labels as Y."
        )
    return classes, (places[:, None] == np.arange(len(classes))).astype(np.float64)


def _from_npy(path: Path, targets: str | None) -> Raw:
    (matrix,) = loaded(path).values()
    if matrix.ndim != 2:
        raise ValueError(f"{path} must hold a matrix (n, d0 + dL), but holds an array of shape {matrix.shape}.")
    wanted = "1" if targets is None else targets
    if not wanted.isdecimal() or not 1 <= int(wanted) < matrix.shape[1]:
        raise ValueError(
            f"--targets {wanted} must be the number of target columns of {path}, which has {matrix.shape[1]} columns, "
            "the last ones being targets: pass at least 1, and leave one for X."
        )
    count = int(wanted)
    part = "target the last column" if count == 1 else f"targets the last {count} columns"
    return matrix[:, :-count], matrix[:, -count:], part


def _from_csv(path: Path, targets: str | None) -> Raw:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # -sig: spreadsheets write a byte order mark
            if "\0" in file.read(2**16):
                raise ValueError(f"{path} holds NUL characters, so it is no table in UTF-8. Save it as one.")
            file.seek(0)
            lines = _lines(file, path)
            names = _header(lines, path)
            chosen = _columns(names, targets, path)
            table = _table(lines, path, names)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no table in UTF-8 ({error}). Save it as one.") from None
    others = [k for k in range(len(names)) if k not in chosen]
    part = f"target{'s' * (len(chosen) > 1)} {_shortened([names[k] for k in chosen])}"
    return table[:, others], table[:, chosen], part


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a file, one at a time; ValueError for one that is too long to be read at once."""
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ValueError(
                f"{path} has a line of more than {LONGEST_LINE:,} characters. Give each sample a line of its own, or "
                "save the data as an .npy or .npz."
            )
        yield line


def _header(lines: Iterator[str], path: Path) -> list[str]:
    names = [name.strip() for name in next(csv.reader(lines), [])]
    if not any(names):
        raise ValueError(f"{path} begins with an empty line. Its first line must name the columns, joined by commas.")
    if all(_number(name) is not None for name in names):
        raise ValueError(f"The first line of {path} holds numbers only, but must name the columns. Add such a line.")
    if len(names) < 2:
        raise ValueError(
            f"{path} has one column only, '{names[0]:.40}', but needs at least one input and one target, separated by "
            "commas."
        )
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{path} has {names.count(twice[0])} columns named '{twice[0]}'. Give each its own name.")
    return names


def _columns(names: Sequence[str], targets: str | None, path: Path) -> list[int]:
    if targets is None and len(names) > 2:
        raise ValueError(
            f"{path} has {len(names)} columns, {_shortened(names)}: say which are targets, such as "
            f"--targets {names[-1]}, or several joined by commas."
        )
    wanted = [name.strip() for name in targets.split(",")] if targets is not None else [names[-1]]
    for name in wanted:
        if name not in names:
            raise ValueError(f"{path} has no column '{name}' for --targets; it has {_shortened(names)}.")
    if len(set(wanted)) == len(names):
        raise ValueError(f"--targets {targets} takes all {len(names)} columns of {path}: leave at least one for X.")
    return [names.index(name) for name in dict.fromkeys(wanted)]


def _table(lines: Iterator[str], path: Path, names: Sequence[str]) -> Floats:
    """The lines after the header, by NumPy's fast reader; only a file that it refuses is read again, word by word."""
    try:
        first = list(itertools.islice(filter(str.strip, lines), 1))
        table: Floats = (
            np.loadtxt(itertools.chain(first, lines), delimiter=",", comments=None, quotechar='"', ndmin=2)
            if first
            else np.zeros((0, len(names)))
        )
    except ValueError as error:
        raise _first_fault(path, names) or ValueError(f"{path} cannot be read: {error}.") from None
    if not len(table):
        raise ValueError(f"{path} names {len(names)} columns, but has no line of numbers below.")
    if table.shape[1] != len(names) or not np.isfinite(table).all():
        raise _first_fault(path, names) or ValueError(f"{path} holds entries that are not finite.")
    return table


def _first_fault(path: Path, names: Sequence[str]) -> ValueError | None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(_lines(file, path))
        next(lines)
        for cells in filter(None, lines):
            where = f"Line {lines.line_num} of {path}"
            if len(cells) != len(names):
                return ValueError(f"{where} has {len(cells)} cells, but the first line names {len(names)} columns.")
            for name, cell in zip(names, cells, strict=True):
                number = _number(cell)
                if number is None:
                    return ValueError(
                        f"{where} has '{cell:.40}' in column '{name}', which is no number. Drop or fill such "
                        "cells or columns, or save labels as y in an .npz."
                    )
                if not math.isfinite(number):
                    return ValueError(f"{where} has {number} in column '{name}': every entry must be finite.")
    return None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _shortened(items: Sequence[object]) -> str:
    """A list in a sentence, its middle left out if it is long.

    >>> _shortened("abc"), _shortened(range(100))
    ('a, b and c', '0, 1, 2, 3, 4, 5, ... and 99 (100 in all)')
    """
    if len(items) <= 12:
        return listed(items)
    return f"{', '.join(map(str, items[:6]))}, ... and {items[-1]} ({len(items)} in all)"


READERS: dict[str, Callable[[Path, str | None], Raw]] = {".npz": _from_npz, ".npy": _from_npy, ".csv": _from_csv}
