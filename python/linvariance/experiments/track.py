"""What a progress bar is."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Track(Protocol):
    """A progress bar: iterates, and shows how far it has come."""

    def __call__(self, items: Sequence[Item], description: str) -> Iterable[Item]:
        """The items, one after the other."""


def untracked(items: Sequence[Item], description: str) -> Iterable[Item]:
    """The progress bar that shows nothing."""
    del description
    return items
