"""Results in files: npz archives without pickle, of a named kind, written whole or not at all."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

FORMAT = 1
SIZES = {"f": (4, 8), "i": (1, 2, 4, 8), "b": (1,)}  # in bytes, by kind of dtype
# What NumPy and zipfile raise at files that are no npz archives, or damaged ones; at huge shapes that one pretends.
DAMAGED = (
    *(ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError, MemoryError),
    *(OSError, EOFError, zlib.error, BadZipFile),
)
Built = TypeVar("Built")


class Fields(dict[str, npt.NDArray[Any]]):
    """The arrays of a file by name; asked for what should be there, it says what is not."""

    def __missing__(self, name: str) -> npt.NDArray[Any]:
        raise ValueError(f"{name} is missing")

    def array(self, name: str, ndim: int, kinds: str = "f") -> npt.NDArray[Any]:
        """An array of so many dimensions and one of these kinds of dtype."""
        found = self[name]
        if found.ndim != ndim or found.dtype.kind not in kinds or found.dtype.itemsize not in SIZES[found.dtype.kind]:
            raise ValueError(f"{name} is of dtype {found.dtype} and shape {found.shape}")
        return found.astype(found.dtype.newbyteorder("="))

    def number(self, name: str, kinds: str = "f") -> Any:
        """A float, int ("i") or bool ("b")."""
        return self.array(name, 0, kinds).item()

    def text(self, name: str) -> str:
        """A string."""
        if self[name].ndim or self[name].dtype.kind != "U":
            raise ValueError(f"{name} is no text")
        return str(self[name])

    def within(self, prefix: str) -> Fields:
        """Those whose names begin so, without that."""
        return Fields({name.removeprefix(prefix): a for name, a in self.items() if name.startswith(prefix)})


def save(path: str | os.PathLike[str], kind: str, fields: Mapping[str, Any]) -> None:
    """Writes what is not None, at exactly `path`, under a temporary name first."""
    path = Path(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as handle:
            np.savez(handle, kind=kind, format=FORMAT, **{k: v for k, v in fields.items() if v is not None})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | os.PathLike[str], kind: str, build: Callable[[Fields], Built]) -> Built:
    """What `build` makes of a file's fields; ValueError for a file that holds anything but this kind."""
    try:
        with Path(path).open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                raise ValueError("it is a single array")
            fields = Fields({name: stored[name] for name in stored.files})
        found, version = fields.text("kind"), fields.number("format", "i")
        if found != kind:
            raise ValueError(f"it holds a {found:.60}")
        if version != FORMAT:
            raise ValueError(f"it is of format {version}, and this version of linvariance reads {FORMAT}")
        return build(fields)
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except DAMAGED as error:
        raise ValueError(f"{os.fspath(path)} holds no {kind} written by {kind}.save: {error}.") from None
