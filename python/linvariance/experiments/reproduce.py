"""Make figures: for each a picture, a table and its provenance, and one page that shows them all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from linvariance.experiments.agreement import agreement
from linvariance.experiments.experiment import Track, untracked
from linvariance.experiments.files import write
from linvariance.experiments.nonlinear import AnyExperiment
from linvariance.experiments.provenance import provenance
from linvariance.experiments.report import page
from linvariance.experiments.results import Figure, Result
from linvariance.experiments.staging import staged


def reproduce(
    figures: Sequence[Figure],
    experiments: Mapping[str, AnyExperiment],
    out: Path,
    track: Track = untracked,
) -> Path:
    """Write figN.png, figN.csv, figN.json for each figure and index.html into `out`; return the path of the page.

    `experiments` are those that the figures name; only those of them are trained whose networks are looked at.
    """
    with staged(out) as stage:
        for name in dict.fromkeys(figure.experiment for figure in figures if figure.trains):
            _ = experiments[name].courses  # trained now, so that its progress comes before that of the figures
        results = {}
        for figure in track(figures, "Drawing"):
            experiment = experiments[figure.experiment]
            results[figure] = figure.make(experiment)
            _write(figure, results[figure], experiment, stage)
        (stage / "index.html").write_text(page(experiments, results), encoding="utf-8")
    return out / "index.html"


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
