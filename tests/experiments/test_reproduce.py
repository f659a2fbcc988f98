"""What lies in the output folder: everything, the same each time, or nothing."""

import csv
import json
import re
from dataclasses import replace

import pytest

from linvariance.experiments.experiment import Experiment
from linvariance.experiments.figures import FIGURES, chosen
from linvariance.experiments.reproduce import reproduce
from linvariance.experiments.staging import staged

FILES = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "csv", "json")} | {"index.html"}


@pytest.fixture(scope="module")
def out(experiment, tmp_path_factory):
    return reproduce(chosen(()), experiment, tmp_path_factory.mktemp("home") / "new" / "out").parent


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_are_there(out):
    assert set(contents(out)) == FILES
    assert all(content.startswith(b"\x89PNG") for name, content in contents(out).items() if name.endswith("png"))


def test_the_same_seeds_give_the_same_bytes(out, experiment, sample, tmp_path):
    again = Experiment(experiment.protocol, sample, experiment.seeds)
    reproduce(chosen(()), again, tmp_path)
    assert contents(tmp_path) == contents(out)


def test_tables_and_provenance_can_be_read(out, experiment):
    for name in FIGURES:
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
        assert record["protocol"]["epochs"] == 20
        assert "PyTorch's mean reduction" in record["loss_scale"]
        assert {"linvariance", "numpy", "scipy", "matplotlib", "python", "eigen"} <= set(record["versions"])


def test_the_page_shows_every_figure_and_links_to_files_that_exist(out, experiment):
    page = (out / "index.html").read_text(encoding="utf-8")
    targets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert set(targets) == FILES - {"index.html"}
    for figure in FIGURES.values():
        assert f'<img src="{figure.name}.png"' in page
    for reading in ("0.53", "0.335", "0.6", "0.74", "20"):
        assert f'<td class="n">{reading}</td>' in page
    assert "Losses" in page
    assert "seeds 0 and 1" in page
    assert experiment.digits.sha256 in page


def test_text_from_outside_is_escaped_in_the_page(experiment, sample, tmp_path):
    strange = Experiment(experiment.protocol, replace(sample, source="<b>a & b</b>"), (0,))
    page = reproduce(chosen(("fig5",)), strange, tmp_path).read_text(encoding="utf-8")
    assert "&lt;b&gt;a &amp; b&lt;/b&gt;" in page
    assert "<b>a" not in page


def test_a_figure_that_needs_no_training_trains_nothing(experiment, sample, tmp_path, monkeypatch):
    def train(*args, **kwargs):
        raise AssertionError("trained")

    monkeypatch.setattr("linvariance.train", train)
    page = reproduce(chosen(("fig5",)), Experiment(experiment.protocol, sample, (0,)), tmp_path)
    assert set(contents(tmp_path)) == {"fig5.png", "fig5.csv", "fig5.json", "index.html"}
    assert "Losses" not in page.read_text(encoding="utf-8")


def test_older_files_are_replaced_and_others_stay(experiment, tmp_path):
    (tmp_path / "fig5.csv").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    reproduce(chosen(("fig5",)), experiment, tmp_path)
    assert (tmp_path / "fig5.csv").read_text(encoding="utf-8").startswith("method,index")
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("failure", [OSError("no space left on device"), KeyboardInterrupt()])
def test_after_a_failure_nothing_half_written_is_left(failure, experiment, tmp_path, monkeypatch):
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
            reproduce(chosen(()), experiment, out)
    assert contents(tmp_path / "old") == {"fig2.csv": b"old"}
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=f"Nothing can be written to the folder {out}"), staged(out):
            raise AssertionError("entered")
    assert contents(tmp_path) == {"file": b"in the way"}
