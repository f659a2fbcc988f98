"""Make figures: for each a picture, a table and its provenance, and one page that shows them all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from linvariance.experiments.agreement import agreement
from linvariance.experiments.cache import NO_CACHE, Cache, key
from linvariance.experiments.files import write
from linvariance.experiments.nonlinear import AnyExperiment
from linvariance.experiments.provenance import provenance
from linvariance.experiments.report import page
from linvariance.experiments.results import Figure, Result
from linvariance.experiments.staging import PAGE, staged
from linvariance.progress import Track, untracked


def reproduce(
    figures: Sequence[Figure],
    experiments: Mapping[str, AnyExperiment],
    out: Path,
    track: Track = untracked,
    cache: Cache = NO_CACHE,
) -> Path:
    """Write figN.png, figN.csv, figN.json for each figure and index.html into `out`; return the path of the page.

    `experiments` are those that the figures name; only those of them are trained whose networks are looked at. Figures
    that were asked for together before are taken from the cache, and nothing is trained or drawn.
    """
    name = key([[figure.name, provenance(experiments[figure.experiment])] for figure in figures])
    with staged(out) as stage:
        made = cache.find(name)
        if made is None:
            _make(figures, experiments, stage, track)
            cache.keep(name, {path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in stage.iterdir()})
        else:
            for file in _files(figures):
                (stage / file).write_bytes(made[file].tobytes())
    cache.sweep()
    return out / PAGE


def _files(figures: Sequence[Figure]) -> list[str]:
    return [PAGE, *(f"{figure.name}.{kind}" for figure in figures for kind in ("png", "csv", "json"))]


def _make(
    figures: Sequence[Figure], experiments: Mapping[str, AnyExperiment], folder: Path, track: Track = untracked
) -> None:
    for name in dict.fromkeys(figure.experiment for figure in figures if figure.trains):
        _ = experiments[name].courses  # trained now, so that its progress comes before that of the figures
    results = {}
    for figure in track(figures, "Drawing"):
        experiment = experiments[figure.experiment]
        results[figure] = figure.make(experiment)
        _write(figure, results[figure], experiment, folder)
    (folder / PAGE).write_text(page(experiments, results), encoding="utf-8")


def _write(figure: Figure, result: Result, experiment: AnyExperiment, folder: Path) -> None:
    record = {
        "figure": figure.name,
        "title": figure.title,
        "caption": result.caption,
        "agreement": agreement(result.facts),
        "facts": [asdict(fact) for fact in result.facts],
        **provenance(experiment),
    }
    write(result, figure.name, record, folder)
