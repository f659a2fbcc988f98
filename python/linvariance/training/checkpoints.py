"""Files that runs keep up to date; never in place of what is not theirs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..arrays import instance
from .trace import Trace


def check(checkpoint: str | os.PathLike[str] | None, past: Trace | None) -> None:
    """TypeError or ValueError unless it is None, a new file, or one of the runs that led to `past`."""
    if checkpoint is None:
        return
    instance(checkpoint, (str, os.PathLike), "checkpoint", "the path of a file")
    file = os.fspath(checkpoint)
    try:
        fits, is_new = Path(file).parent.is_dir() and not Path(file).is_dir(), not Path(file).exists()
    except OSError:  # a name that is too long
        fits, is_new = False, True
    if not fits:
        raise ValueError(f"checkpoint is {file!r:.100}, but must name a file in a folder that exists.")
    if is_new:
        return
    try:
        stored = Trace.load(file)
    except ValueError as error:
        raise ValueError(f"checkpoint is there already: {error} Choose another name, or remove it.") from None
    holds, reached = f"checkpoint {file!r:.100} holds a trace up to epoch", stored.epochs[-1]
    if past is None:
        how = "go on by resume(Trace.load(path), problems, epochs=..., checkpoint=path), or remove it"
        raise ValueError(f"{holds} {reached}: {how if stored.state else 'choose another name, or remove it'}.")
    if not _led_to(stored, past):
        raise ValueError(
            f"{holds} {reached} that did not lead to the one resumed, up to epoch {past.epochs[-1]}: resume that one, "
            "choose another name, or remove it."
        )


def _led_to(stored: Trace, past: Trace) -> bool:
    """Whether it has the same runs, so far: what it recorded only as it ended there may be missing in `past`."""
    kept = np.isin(stored.epochs, past.epochs)
    count = int(kept.sum())
    return (
        [[one.widths for one in of_one] for of_one in stored.networks]
        == [[one.widths for one in of_one] for of_one in past.networks]
        and stored.epochs[-1] <= past.epochs[-1]
        and bool(kept[:-1].all())
        and np.array_equal(stored.epochs[:count], past.epochs[:count])
        and np.array_equal(stored.loss[..., :count], past.loss[..., :count], equal_nan=True)
    )
