"""How far a long call has come: bars by rich or lines, on stderr, or a callback."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")
Progress = bool | Callable[..., object]
"""What calls take as `progress`: True for a bar on stderr, or a function (done, total), called after each step.

An exception that it raises ends the call. The total is None where it is not known. Training tells it the loss too, and
ends with what it has if it returns True; no other call looks at what it returns.
"""
Report = Callable[..., object]

PAUSE = 1.0  # seconds between two lines, at least


@dataclass(frozen=True)
class Track:
    """Progress bars: of items while they are used; and `bar`, (words, total) -> a report of how many are done."""

    bar: Callable[[str, int | None], Report]

    def __call__(self, items: Collection[Item], words: str) -> Iterable[Item]:
        """The items, one after the other."""
        return _reported(items, self.bar(words, len(items)))


untracked = Track(lambda words, total: lambda done, *facts: None)  # shows nothing


def check_progress(progress: object) -> None:
    """TypeError unless it is True, False or callable."""
    if not isinstance(progress, bool) and not callable(progress):
        raise TypeError(f"progress must be True, False or a callback (done, total, ...), but is {progress!r:.60}.")


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

        yield lambda done, *facts: callback(done, total, *facts)
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
        yield Track(bar)


def _reported(items: Iterable[Item], report: Report) -> Iterator[Item]:
    for done, item in enumerate(items, 1):
        yield item
        report(done)


@contextmanager
def _display() -> Iterator[Callable[[str, int | None], Report]]:
    """(words, total) -> a report that is shown; nothing is before the first."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
    except ImportError:
        yield _lines
        return
    columns: tuple[Any, ...] = (TextColumn("{task.description:<23}"), BarColumn(), MofNCompleteColumn())
    shown = Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True))
    with ExitStack() as stack:

        def bar(words: str, total: int | None) -> Report:
            if not shown.tasks:
                stack.enter_context(shown)
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
