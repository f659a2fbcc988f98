"""What is being written has a name of its own and a lock; what killed processes left is removed by the next writer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from secrets import token_hex

if sys.platform == "win32":  # no file that is open can be removed there: what was left stays

    def _lock(path: Path) -> int | None:
        del path
        return None

else:
    import fcntl

    def _lock(path: Path) -> int | None:
        """A descriptor that holds the lock on a file or folder, which ends with the process.

        None on a file system without locks; BlockingIOError if another holds it, FileNotFoundError if it is gone.
        """
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise
            return None
        return descriptor


@contextmanager
def unfinished(
    folder: Path, prefix: str, suffix: str = "", make: Callable[[Path], object] = Path.mkdir
) -> Iterator[Path]:
    """A new folder (or what `make` makes) of a random name between prefix and suffix, removed when the block ends.

    Those of the same prefix and suffix that no living process holds are removed first. Rename it within the block.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     (Path(home) / ".new-killed").mkdir()
    ...     with unfinished(Path(home), ".new-") as stage:
    ...         [path == stage for path in Path(home).iterdir()]
    [True]
    """
    for old in folder.glob(f"{escape(prefix)}*{suffix}"):
        _sweep(old)
    path, lock = _begun(folder, prefix, suffix, make)
    try:
        yield path
    finally:
        _remove(path)
        if lock is not None:
            os.close(lock)


def _begun(folder: Path, prefix: str, suffix: str, make: Callable[[Path], object]) -> tuple[Path, int | None]:
    while True:
        path = folder / f"{prefix}{token_hex(6)}{suffix}"
        make(path)
        try:
            lock = _lock(path)
        except (BlockingIOError, FileNotFoundError):  # another writer is sweeping it, or has
            continue
        if path.exists():
            return path, lock
        if lock is not None:
            os.close(lock)


def _sweep(old: Path) -> None:
    lock = None
    with suppress(OSError):
        lock = _lock(old)
    if lock is not None:
        _remove(old)
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
