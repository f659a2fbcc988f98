"""Files appear in a folder all whole or not at all, also when writing them fails or is interrupted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A place for new files, which move into `folder` (made if need be) when the block ends without an exception.

    They are renamed one by one, over older files of the same name; other files in `folder` stay. After an exception
    nothing is left, not even a folder made for it. An OSError says so at once if the folder cannot be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with staged(Path(home) / "out") as stage:
    ...         _ = (stage / "a.txt").write_text("whole")
    ...     (Path(home) / "out" / "a.txt").read_text()
    'whole'
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage = Path(mkdtemp(prefix=".unfinished-", dir=folder))
    except OSError as error:
        _remove_empty(missing)
        raise OSError(
            f"Nothing can be written to the folder {folder} ({error.strerror or error}). Pass one that can, with --out."
        ) from error
    try:
        yield stage
        for path in sorted(stage.iterdir()):
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        _remove_empty(missing)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:  # innermost first; a folder with files in it stays
        with suppress(OSError):
            folder.rmdir()
