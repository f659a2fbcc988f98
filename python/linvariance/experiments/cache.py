"""What was computed before: found again for the very same question, asked of the very same code."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy.typing as npt

from linvariance import files
from linvariance.experiments.code import code
from linvariance.progress import Track

Arrays = Mapping[str, npt.NDArray[Any]]
Job = TypeVar("Job")

SHORT = 12  # characters of a hash that tell versions of the code apart


def key(*question: object) -> str:
    """The name of the answer to a question (anything JSON) asked of this code; the only place where keys are made.

    >>> key("train", {"seed": 0}) == key("train", {"seed": 0}) != key("train", {"seed": 1})
    True
    """
    asked = json.dumps([code(), *question], sort_keys=True).encode()
    return f"{code()[:SHORT]}-{hashlib.sha256(asked).hexdigest()}"


@dataclass(frozen=True)
class Cache:
    """Arrays under keys, in a folder. Without folder nothing is kept; a `fresh` one finds nothing, but keeps all.

    A file gets its name when it is whole, so that processes may share the folder and stop at any time.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as home:
    ...     cache = Cache(Path(home))
    ...     cache.keep(key("a"), {"a": np.arange(3)})
    ...     cache.find(key("a"))["a"].tolist(), cache.find(key("b"))
    ([0, 1, 2], None)
    """

    folder: Path | None = None
    fresh: bool = False

    def find(self, name: str) -> Arrays | None:
        """What was kept under this key, or None; a warning, and None, if the file is damaged."""
        if self.folder is None or self.fresh or not (path := self.folder / f"{name}.npz").is_file():
            return None
        try:
            return files.load(path, name, dict)
        except (ValueError, OSError):
            warnings.warn(f"{path} is damaged: what it held is computed anew.", stacklevel=2)
            return None

    def keep(self, name: str, arrays: Arrays) -> None:
        """Keep this under the key; where that is impossible, as on a disk that is full, it is not kept."""
        if self.folder is None:
            return
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            files.save(self.folder / f"{name}.npz", name, arrays)

    def sweep(self) -> None:
        """Remove what other code has computed: nobody asks for it any more."""
        for path in self.folder.glob("*-*.npz*") if self.folder else ():
            if not path.name.startswith(code()[:SHORT]):
                path.unlink(missing_ok=True)

    def each(
        self, names: Mapping[Job, str], compute: Callable[[Job], Arrays], track: Track, words: str
    ) -> dict[Job, Arrays]:
        """What each job gives: found under its name, or else computed, with a progress bar, and kept one by one."""
        found = {job: self.find(name) for job, name in names.items()}
        missing = [job for job, arrays in found.items() if arrays is None]
        for job in track(missing, words) if missing else ():
            found[job] = arrays = compute(job)
            self.keep(names[job], arrays)
        return {job: arrays for job, arrays in found.items() if arrays is not None}


NO_CACHE = Cache()
