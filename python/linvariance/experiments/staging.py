"""Files appear in a folder all whole or not at all, also when writing them fails or is interrupted."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from linvariance.files import refused
from linvariance.unfinished import unfinished

PAGE = "index.html"


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A place for new files, which move into `folder` (made if need be) when the block ends without an exception.

    They are renamed one by one, the page that shows them last, over older files of the same name; other files in
    `folder` stay. After an exception nothing is left, not even a folder made for it; what a killed process left is
    removed by the next one. An OSError says so at once if the folder cannot be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with staged(Path(home) / "out") as stage:
    ...         _ = (stage / "a.txt").write_text("whole")
    ...     (Path(home) / "out" / "a.txt").read_text()
    'whole'
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    with ExitStack() as stack:
        stack.callback(_remove_empty, missing)
        try:
            stage = stack.enter_context(unfinished(folder, ".unfinished-", make=partial(Path.mkdir, parents=True)))
        except OSError as error:
            raise OSError(
                f"Nothing can be written to the folder {folder} ({error.strerror or error}). "
                "Pass one that can, with --out."
            ) from error
        try:
            yield stage
            for path in sorted(stage.iterdir(), key=lambda path: (path.name == PAGE, path.name)):
                path.replace(folder / path.name)
        except OSError as error:  # such as a disk that is full
            raise refused(folder, "written", error) from error


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:  # innermost first; a folder with files in it stays
        with suppress(OSError):
            folder.rmdir()
