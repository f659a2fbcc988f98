"""What lies in the output folder: everything, the same each time, or nothing."""

import csv
import json
import re
from dataclasses import replace
from html import escape

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments.agreement import agreement
from linvariance.experiments.comparison import Comparison, Gap
from linvariance.experiments.experiment import Experiment
from linvariance.experiments.figures import FIGURES, chosen
from linvariance.experiments.protocol import LOSS_NAMES, LOSS_SCALES
from linvariance.experiments.reproduce import reproduce
from linvariance.experiments.results import Fact, number
from linvariance.experiments.staging import staged

FILES = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "csv", "json")} | {"index.html"}


@pytest.fixture(scope="module")
def out(experiments, tmp_path_factory):
    return reproduce(chosen(()), experiments, tmp_path_factory.mktemp("home") / "new" / "out").parent


def fact_of(entry):
    """A Fact read back from JSON."""
    paper = entry["paper"]
    if paper is not None:
        paper = Comparison(**paper | {name: Gap(**paper[name]) for name in ("here", "largest")})
    return Fact(**entry | {"paper": paper, "trained": tuple(entry["trained"])})


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_are_there(out):
    assert set(contents(out)) == FILES
    assert all(content.startswith(b"\x89PNG") for name, content in contents(out).items() if name.endswith("png"))


def test_the_same_seeds_give_the_same_bytes(out, experiments, tmp_path):
    again = {name: replace(one) for name, one in experiments.items()}  # nothing computed yet
    reproduce(chosen(("fig2", "fig5", "fig8", "fig10")), again, tmp_path)
    found = contents(tmp_path)
    del found["index.html"]  # that of `out` shows more figures
    assert len(found) == 12
    assert found.items() <= contents(out).items()


def test_the_same_seeds_give_the_same_page(experiments, tmp_path):
    for name in "ab":
        reproduce(chosen(("fig5",)), experiments, tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_tables_and_provenance_can_be_read(out, experiments):
    for name, figure in FIGURES.items():
        experiment = experiments[figure.experiment]
        with (out / f"{name}.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        assert None not in rows[0].values()
        record = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        assert record["seeds"] == list(experiment.seeds)
        assert record["data"] == {
            "source": "a test",
            "n": 60,
            "class_counts": list(experiment.digits.class_counts),
            "sha256": experiment.digits.sha256,
        }
        assert ("test_data" in record) == (figure.experiment == "nonlinear")
        assert record["protocol"]["epochs"] == 20
        assert record["loss"] == record["protocol"]["loss"] == experiment.protocol.loss
        assert "PyTorch's mean reduction" in record["loss_scale"]
        assert record["agreement"] == agreement([fact_of(entry) for entry in record["facts"]])
        assert {"linvariance", "numpy", "scipy", "matplotlib", "python", "eigen"} <= set(record["versions"])


def test_the_page_shows_every_figure_and_links_to_files_that_exist(out, squared):
    page = (out / "index.html").read_text(encoding="utf-8")
    targets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert set(targets) == FILES - {"index.html"}
    for figure in FIGURES.values():
        assert f'<img src="{figure.name}.png"' in page
    for name in ("fig2", "fig5", "fig10", "fig11"):
        for fact in json.loads((out / f"{name}.json").read_text(encoding="utf-8"))["facts"]:
            value, worst = fact["paper"]["value"], fact["paper"]["largest"]["distance"]
            assert f'<td class="n">{number(value)}</td>' in page
            assert f"{worst:.2g} / " in page
    assert "Seeds 0 and 1" in page
    assert "squared loss in Figures 1, 2, 3, 4 and 5; cross-entropy in Figures 6, 7, 8 and 9." in page
    assert "of the digits in float32; 20 epochs of full-batch Adam; Figures 10 and 11." in page
    assert squared.digits.sha256 in page


def test_the_page_says_under_each_figure_what_agrees_with_the_paper(out):
    page = (out / "index.html").read_text(encoding="utf-8")
    for name in FIGURES:
        said = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))["agreement"]
        section = page.partition(f'<h2 id="{name}">')[2].partition("<h2")[0]
        assert f"<p>{escape(said)}</p>" in section


def test_each_loss_has_its_table_of_losses(out, linear):
    page = (out / "index.html").read_text(encoding="utf-8")
    for experiment in linear.values():
        protocol = experiment.protocol
        heading = LOSS_NAMES[protocol.loss].capitalize()
        section = page.partition(f"<h3>{heading}</h3>")[2].partition("<h")[0]
        assert escape(LOSS_SCALES[protocol.loss]) in section
        assert ("closed-form minimum" in section) == protocol.is_solved
        for method, course in experiment.courses.items():
            final = np.median(course.loss[:, -1])
            assert method.label in section
            assert (f"{final:.6g}" if protocol.is_solved else f"{final:#.3g}") in section


@pytest.mark.parametrize("name", ["fig2", "fig7"])
def test_a_figure_trains_its_own_loss_only(name, linear, sample, tmp_path, monkeypatch):
    trained, train = set(), lv.train

    def spy(problems, **kwargs):
        trained.update(type(problem.data) for problem in problems)
        return train(problems, **kwargs)

    monkeypatch.setattr("linvariance.train", spy)
    new = {name: Experiment(one.protocol, sample, (0,)) for name, one in linear.items()}
    page = reproduce(chosen((name,)), new, tmp_path).read_text(encoding="utf-8")
    loss = FIGURES[name].experiment
    assert trained == {lv.Moments if loss == "squared" else lv.Samples}
    assert [other for other in LOSS_NAMES if f"<h3>{LOSS_NAMES[other].capitalize()}</h3>" in page] == [loss]


def test_text_from_outside_is_escaped_in_the_page(squared, sample, tmp_path):
    strange = Experiment(squared.protocol, replace(sample, source="<b>a & b</b>"), (0,))
    page = reproduce(chosen(("fig5",)), {"squared": strange}, tmp_path).read_text(encoding="utf-8")
    assert "&lt;b&gt;a &amp; b&lt;/b&gt;" in page
    assert "<b>a" not in page


def test_a_figure_that_needs_no_training_trains_nothing(squared, sample, tmp_path, monkeypatch):
    def train(*args, **kwargs):
        raise AssertionError("trained")

    monkeypatch.setattr("linvariance.train", train)
    page = reproduce(chosen(("fig5",)), {"squared": Experiment(squared.protocol, sample, (0,))}, tmp_path)
    assert set(contents(tmp_path)) == {"fig5.png", "fig5.csv", "fig5.json", "index.html"}
    assert "Losses" not in page.read_text(encoding="utf-8")


def test_older_files_are_replaced_and_others_stay(experiments, tmp_path):
    (tmp_path / "fig5.csv").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    reproduce(chosen(("fig5",)), experiments, tmp_path)
    assert (tmp_path / "fig5.csv").read_text(encoding="utf-8").startswith("method,index")
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("failure", [OSError("no space left on device"), KeyboardInterrupt()])
def test_after_a_failure_nothing_half_written_is_left(failure, experiments, tmp_path, monkeypatch):
    def save(figure, path):
        if path.name == "fig3.png":
            path.write_bytes(b"half a pic")
            raise failure
        path.write_bytes(b"whole")

    monkeypatch.setattr("linvariance.plots.save", save)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "fig2.csv").write_text("old")
    for out in (tmp_path / "old", tmp_path / "new" / "out"):
        with pytest.raises(type(failure)):
            reproduce(chosen(()), experiments, out)
    assert contents(tmp_path / "old") == {"fig2.csv": b"old"}
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=f"Nothing can be written to the folder {out}"), staged(out):
            raise AssertionError("entered")
    assert contents(tmp_path) == {"file": b"in the way"}
