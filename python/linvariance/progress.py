"""How far a long call has come: bars by rich or lines, on stderr, or a callback."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")
Progress = bool | Callable[..., object]
"""What calls take as `progress`: True for a bar on stderr, or a function (done, total), called after each step.

An exception that it raises ends the call. The total is None where it is not known.
"""
Report = Callable[..., None]

PAUSE = 1.0  # seconds between two lines, at least


class Track(Protocol):
    """A progress bar: iterates, and shows how far it has come."""

    def __call__(self, items: Collection[Item], words: str) -> Iterable[Item]:
        """The items, one after the other."""


def untracked(items: Collection[Item], words: str) -> Iterable[Item]:
    """The progress bar that shows nothing."""
    del words
    return items


def check_progress(progress: object) -> None:
    """TypeError unless it is True, False or callable."""
    if not isinstance(progress, bool) and not callable(progress):
        raise TypeError(f"progress must be True, False or a function (done, total), but is {progress!r:.60}.")


@contextmanager
def meter(progress: Progress, words: str, total: int | None) -> Iterator[Report]:
    """A function that takes how many of `total` steps are done, and other facts for a callback after these two.

    >>> with meter(lambda *facts: print(facts), "Epochs", 10) as report:
    ...     report(5, 0.25)
    (5, 10, 0.25)
    """
    check_progress(progress)
    if callable(progress):
        callback = progress

        def report(done: int, *facts: object) -> None:
            callback(done, total, *facts)

        yield report
    elif not progress:
        yield lambda done, *facts: None
    else:
        with _display() as bar:
            yield bar(words, total)


def followed(items: Collection[Item], words: str, progress: Progress) -> Iterable[Item]:
    """The items, one after the other, reported once they have been used.

    >>> [k for k in followed("ab", "Letters", lambda done, total: print(done, "of", total))]
    1 of 2
    2 of 2
    ['a', 'b']
    """
    check_progress(progress)
    return _followed(items, words, progress) if progress is not False else items


def _followed(items: Collection[Item], words: str, progress: Progress) -> Iterator[Item]:
    with meter(progress, words, len(items)) as report:
        yield from _reported(items, report)


@contextmanager
def bars() -> Iterator[Track]:
    """Bars on stderr, one below the other until all are done."""
    with _display() as bar:
        yield lambda items, words: _reported(items, bar(words, len(items)))


def _reported(items: Iterable[Item], report: Report) -> Iterator[Item]:
    for done, item in enumerate(items, 1):
        yield item
        report(done)


@contextmanager
def _display() -> Iterator[Callable[[str, int | None], Report]]:
    """(words, total) -> a report that is shown."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
    except ImportError:
        yield _lines
        return
    columns: tuple[Any, ...] = (TextColumn("{task.description:<23}"), BarColumn(), MofNCompleteColumn())
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as shown:

        def bar(words: str, total: int | None) -> Report:
            task = shown.add_task(words, total=total)
            return lambda done, *facts: shown.update(task, completed=done)

        yield bar


def _lines(words: str, total: int | None) -> Report:
    """A line a second at most, and one at the end."""
    due = time.monotonic() + PAUSE

    def report(done: int, *facts: object) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due or done == total:
            sys.stderr.write(f"{words}: {done}{'' if total is None else f' of {total}'}\n")
            due = now + PAUSE

    return report
