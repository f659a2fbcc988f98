"""Make figures: for each a picture, a table and its provenance, and one page that shows them all."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from linvariance.experiments.experiment import Experiment
from linvariance.experiments.files import write
from linvariance.experiments.provenance import provenance
from linvariance.experiments.report import page
from linvariance.experiments.results import Figure, Result
from linvariance.experiments.staging import staged


def reproduce(figures: Sequence[Figure], experiment: Experiment, out: Path) -> Path:
    """Write figN.png, figN.csv, figN.json for each figure and index.html into `out`; return the path of the page."""
    with staged(out) as stage:
        if any(figure.trains for figure in figures):
            _ = experiment.courses  # trained now, so that its progress comes before that of the figures
        results = {}
        for figure in experiment.track(figures, "Drawing"):
            results[figure] = figure.make(experiment)
            _write(figure, results[figure], experiment, stage)
        (stage / "index.html").write_text(page(experiment, results), encoding="utf-8")
    return out / "index.html"


def _write(figure: Figure, result: Result, experiment: Experiment, folder: Path) -> None:
    record = {
        "figure": figure.name,
        "title": figure.title,
        "caption": result.caption,
        "facts": [asdict(fact) for fact in result.facts],
        **provenance(experiment),
    }
    write(result, figure.name, record, folder)
