"""Results in files: npz archives without pickle, of a named kind, written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt

from linvariance.unfinished import unfinished

FORMAT = 1
SIZES = {"f": (4, 8), "i": (1, 2, 4, 8), "b": (1,)}  # in bytes, by kind of dtype
MAGIC = (b"PK", b"\x93NUMPY")  # of zip archives and npy files: NumPy takes all else for pickles
UNPACKED, HARMLESS = 100, 64 * 2**20  # compressed files grow by no more than this factor, or to so many bytes
STEPS = {  # what to do, by errno
    **dict.fromkeys((errno.ENOSPC, errno.EFBIG, errno.EDQUOT), "Make room, or choose another disk."),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Choose a place that this user may use."),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), "Look for a misspelt name, or make the folder first."),
    errno.EISDIR: "Add the name of a file to that of the folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}
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
    """Writes what is not None, at exactly `path`, under a temporary name first.

    Raises:
        OSError: naming `path` and what to do; what was there before is as it was.
    """
    path = Path(path)
    try:
        with unfinished(path.parent, f"{path.name}.", ".part", Path.touch) as part:
            with part.open("wb") as handle:
                np.savez(handle, kind=kind, format=FORMAT, **{k: v for k, v in fields.items() if v is not None})
            part.replace(path)
    except OSError as error:
        raise refused(path, "written", error) from error


def refused(path: str | os.PathLike[str], done: str, error: OSError) -> OSError:
    """The same error as a sentence about `path` that ends in the next step.

    >>> refused("m.npz", "written", OSError(errno.ENOSPC, "No space left on device"))
    OSError('m.npz cannot be written: no space left on device. Make room, or choose another disk.')
    """
    reason, step = error.strerror or str(error), STEPS.get(error.errno or 0, "Choose another place.")
    told = type(error)(f"{os.fspath(path)} cannot be {done}: {reason[:1].lower()}{reason[1:]}. {step}")
    told.errno = error.errno
    return told


def opened(path: str | os.PathLike[str]) -> BinaryIO:
    """A file to read from; ValueError for pipes, sockets and devices, which would wait or never end."""
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError("it is no regular file")
    return path.open("rb")


def unpackable(size: int, packed: int) -> int:
    """How many bytes a compressed file may hold at most; ValueError for `size` above that, as in a zip bomb.

    >>> unpackable(10**9, packed=10**8)
    10000000000
    """
    most = max(UNPACKED * packed, HARMLESS)
    if size > most:
        raise ValueError(f"its {packed:,} bytes would unpack to {size:,} or more, above {most:,}")
    return most


def arrays(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz by name, or that of an .npy under the name "". No pickle is read."""
    with opened(path) as file:
        if not file.read(6).startswith(MAGIC):
            raise ValueError("it is no npz or npy file")
        file.seek(0)
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return {"": stored}
        with stored:
            members = stored.zip.infolist()
            if len(set(stored.files)) < len(stored.files):
                raise ValueError("it holds arrays of the same name")
            if any("\0" in member.orig_filename for member in members):
                raise ValueError("it holds names with NUL characters")
            unpackable(sum(member.file_size for member in members), os.fstat(file.fileno()).st_size)
            found = dict(stored)
    for name, array in found.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} is no array")
    return found


def printable(text: str) -> str:
    r"""Text with spaces in place of what steers a terminal: it may come from a file.

    >>> printable("x\x1b]0;y")
    'x ]0;y'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def cause(error: Exception) -> str:
    """What is wrong with a file, short enough for a sentence and on one line.

    >>> cause(ValueError("a long header " * 100))[-20:]
    'a long header a l...'
    """
    text = printable(str(error)) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."


def load(path: str | os.PathLike[str], kind: str, build: Callable[[Fields], Built]) -> Built:
    """What `build` makes of a file's fields; ValueError for a file that holds anything but this kind."""
    try:
        fields = Fields(arrays(path))
        if "" in fields:
            raise ValueError("it is a single array")
        found, version = fields.text("kind"), fields.number("format", "i")
        if found != kind:
            raise ValueError(f"it holds a {found:.60}")
        if version != FORMAT:
            raise ValueError(f"it is of format {version}, and this version of linvariance reads {FORMAT}")
        return build(fields)
    except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise refused(path, "read", error) from error
    except Exception as error:  # whatever NumPy, zipfile and its decompressors raise at damaged files
        raise ValueError(f"{os.fspath(path)} holds no {kind} written by {kind}.save: {cause(error)}.") from None
