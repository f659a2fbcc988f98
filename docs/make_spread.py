"""Tolerances of the figures, and the table of distances in reproduction.md: `python docs/make_spread.py PATH`.

PATH is a folder with MNIST's IDX files. Run k takes the first digits of the k-th permutation of all training digits
and starts from seed k. Runs are kept in out/spread, so that an interrupted computation goes on where it was: 12 linear
ones take 3 minutes on two idle cores, each nonlinear one 5.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from linvariance.datasets import RESIZES, Digits, load, load_test
from linvariance.experiments import paper
from linvariance.experiments.comparison import STARTS, compare, distances
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.figures import FIGURES
from linvariance.experiments.figures.accuracy import ACCURACY
from linvariance.experiments.figures.distance import DISTANCE
from linvariance.experiments.figures.invariance_errors import bar_name, settings
from linvariance.experiments.figures.nonlinear_losses import curve_name
from linvariance.experiments.figures.share import SHARE
from linvariance.experiments.figures.spectra import scaled
from linvariance.experiments.nonlinear import ACTIVATIONS, DATA, HARD, NONLINEAR, NonlinearExperiment, Setting
from linvariance.experiments.protocol import PROTOCOLS, SQUARED

LINEAR = {"bicubic": range(12), "mean": range(8), "bilinear": range(5)}
OTHERS = {"bicubic": (0, 3), "mean": (), "bilinear": ()}  # of the nonlinear networks; more make better tolerances
PAGE, KEPT = Path(__file__).parent / "reproduction.md", Path("out/spread")
SPREAD = Path(paper.__file__).with_name("spread.json")
TABLE = ("<!-- distances, by make_spread.py -->\n", "<!-- end of distances -->\n")

Curves = dict[str, np.ndarray]
"""By "figure|name": (T,) at the x of the paper's curve."""


def mixed(folder: str, k: int) -> Digits:
    """All training digits in the k-th order."""
    digits = load(folder).without(SQUARED.dropped_digit)
    order = np.random.default_rng(k).permutation(len(digits))
    return Digits(digits.images[order], digits.labels[order], f"{digits.source}, permuted with seed {k}")


def linear(folder: str, resize: str, k: int) -> Curves:
    """Figures 2 to 5 and 7 to 9."""
    found, digits = {}, mixed(folder, k)
    for protocol in PROTOCOLS:
        experiment = Experiment(replace(protocol, resize=resize), protocol.sample(digits), (k,))
        for quantity in (ACCURACY, DISTANCE, SHARE):
            for method, course in experiment.courses.items():
                figure, values = quantity.figure(experiment), quantity.over_epochs(course)[0]
                found |= _at_the_papers(figure, method.name, course.epochs, values)
    squared = Experiment(replace(SQUARED, resize=resize), SQUARED.sample(digits), (k,))
    for method, sigma in scaled(squared).items():
        found |= _at_the_papers("fig5", method.name, np.arange(1.0, len(sigma) + 1), sigma)
    return found


def nonlinear(folder: str, resize: str, k: int) -> Curves:
    """Figures 10 and 11."""
    protocol = replace(NONLINEAR, resize=resize)
    experiment = NonlinearExperiment(protocol, *protocol.split(mixed(folder, k), load_test(folder)), (k,))
    found: Curves = {}
    for kind in (HARD, DATA):
        for activation, hidden in experiment.settings:
            run = experiment.courses[Setting(kind.name, experiment.samples[1], hidden, activation)]
            found |= _at_the_papers("fig10", curve_name(hidden, activation, kind), run.epochs, run.loss[0])
    for inputs in experiment.inputs:
        for setting in settings(experiment):
            median = np.median(experiment.errors(inputs, setting)[0], keepdims=True)
            found |= _at_the_papers("fig11", bar_name(experiment, inputs, setting), np.ones(1), median)
    return found


def _at_the_papers(figure: str, name: str, x: np.ndarray, y: np.ndarray) -> Curves:
    line = paper.line(figure, name)
    return {} if line is None else {f"{figure}|{name}": np.interp(line.x, x, y)}


def runs(folder: str, resize: str) -> list[Curves]:
    """Linear and nonlinear ones, computed or read."""
    KEPT.mkdir(parents=True, exist_ok=True)
    found = []
    for kind, numbers in ((linear, LINEAR[resize]), (nonlinear, OTHERS[resize])):
        for k in numbers:
            path = KEPT / f"{kind.__name__}_{resize}_{k}.npz"
            if not path.is_file():
                np.savez(path, **kind(folder, resize, k))
            with np.load(path) as file:
                found.append(dict(file))
    return found


def pooled(key: str) -> str:
    """What curves share that have one tolerance: there are few nonlinear runs, so that of all activations counts."""
    figure, name = key.split("|")
    return f"{figure}|{', '.join(part for part in name.split(', ') if part not in ACTIVATIONS.values())}"


def spread(found: Sequence[Curves]) -> dict[str, dict[str, list[float] | int]]:
    """The largest distances between two runs: of the value that tables show, and along the curve."""
    spreads: dict[str, dict[str, list[float] | int]] = {"runs": {}}
    gaps: dict[str, list[np.ndarray]] = {}
    for key in _keys(found):
        curves = [run[key] for run in found if key in run]
        figure = key.split("|")[0]
        gaps.setdefault(pooled(key), []).extend(distances(figure, a, b) for a, b in combinations(curves, 2))
        spreads["runs"][figure] = len(curves)
    for key in _keys(found):
        figure, name = key.split("|")
        here, all_of_them = 0 if figure in STARTS else -1, np.array(gaps[pooled(key)])
        largest = all_of_them[:, here].max(), all_of_them.max()
        spreads.setdefault(figure, {})[name] = [float(f"{x:.3g}") for x in largest]
    return spreads


def table(found: dict[str, list[Curves]]) -> Iterable[str]:
    """For each curve the paper's value and, for each resize, ours and the largest distance."""
    shown = [resize for resize in RESIZES if found[resize]]
    heads = [f"{resize} | largest distance" for resize in shown]
    yield f"| figure | curve | paper | {' | '.join(heads)} | tolerance, here | tolerance, largest |"
    yield "|---|---|---|" + "---|---|" * (len(shown) + 1)
    for key in _keys(found["bicubic"]):
        figure, name = key.split("|")
        cells, compared = [], None
        for curves in ([run[key] for run in found[resize] if key in run] for resize in shown):
            if curves:
                middle = np.median(curves, axis=0)
                compared = compare(figure, name, paper.line(figure, name).x, middle)
                ours = middle[0 if figure in STARTS else -1]
                mark = "" if compared.agrees else " **no**"
                cells += [f"{ours:.3g}", f"{compared.largest.distance:.2g} at {compared.place:g}{mark}"]
            else:
                cells += ["", ""]
        limits = f"{compared.here.tolerance:.2g} | {compared.largest.tolerance:.2g}"
        yield f"| {figure[3:]} | {name} | {compared.value:.3g} | {' | '.join(cells)} | {limits} |"


def _keys(found: Sequence[Curves]) -> list[str]:
    """In the paper's order."""
    read = {key for run in found for key in run}
    names = [f"{figure}|{name}" for figure in FIGURES for name in paper.lines(figure)]
    return [name for name in names if name in read]


if __name__ == "__main__":
    every = {resize: runs(sys.argv[1], resize) for resize in RESIZES}
    about = "Largest distances between two runs of ours, by docs/make_spread.py: of the value shown, along the curve."
    lines = {name: json.dumps(one, ensure_ascii=False) for name, one in spread(every["bicubic"]).items()}
    body = ",\n".join(f' "{name}": {line}' for name, line in {"about": json.dumps(about), **lines}.items())
    SPREAD.write_text(f"{{\n{body}\n}}\n", encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(TABLE[0])
    after = rest.partition(TABLE[1])[2]
    body = "".join(f"{line}\n" for line in table(every))
    PAGE.write_text(f"{before}{TABLE[0]}\n{body}\n{TABLE[1]}{after}", encoding="utf-8")
