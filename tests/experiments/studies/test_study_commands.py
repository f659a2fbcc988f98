"""`linvariance landscape` and `path`: what lies in the folder, what is refused, what is left of a failure."""

import csv
import json
import re

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments import cli

LANDSCAPE = ("landscape", "spectrum")
PATH = ("path", "limits", "held_out")


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((30, 4))
    return X, X @ rng.standard_normal((4, 3)) + rng.standard_normal((30, 3))


@pytest.fixture
def files(arrays, tmp_path):
    """The same data in three formats, with the options that choose the targets."""
    X, Y = arrays
    both = np.hstack([X, Y])
    np.savez(tmp_path / "d.npz", X=X, Y=Y)
    np.save(tmp_path / "d.npy", both)
    lines = [",".join(map(repr, row)) for row in both.tolist()]
    (tmp_path / "d.csv").write_text("\n".join(["a,b,c,d,u,v,w", *lines]), encoding="utf-8")
    return {
        tmp_path / "d.npz": (),
        tmp_path / "d.npy": ("--targets", "3"),
        tmp_path / "d.csv": ("--targets", "u,v,w"),
    }


def run(*arguments):
    return cli.main(list(map(str, arguments)))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def landscape_of(data, *more):
    return ("landscape", data, "--group", "cyclic:4", "--method", "augmented", "--rank", 2, *more)


def path_of(data, *more):
    return ("path", data, "--group", "cyclic:4", "--rank", 2, *more)


def test_training_shows_how_far_it_has_come(files, tmp_path, capfd):
    data, options = next(iter(files.items()))
    assert run(*landscape_of(data, "--epochs", 50, *options, "--out", tmp_path)) == 0
    shown = capfd.readouterr().err
    assert "Gradient descent" in shown
    assert "50/50" in shown


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (landscape_of, LANDSCAPE),
        (lambda data, *more: landscape_of(data, "--epochs", 50, "--seed", 1, *more), (*LANDSCAPE, "descent")),
        (path_of, PATH),
        (lambda data, *more: path_of(data, "--from", 0.01, "--to", 10, "--points", 20, *more), PATH),
    ],
)
def test_the_files_are_there_and_alike_for_all_formats(command, names, files, tmp_path, capfd):
    tables = []
    for place, (data, options) in enumerate(files.items()):
        out = tmp_path / f"out{place}"
        assert run(*command(data, *options, "--out", out)) == 0
        assert capfd.readouterr().out == f"Look at {out / 'index.html'}\n"
        found = contents(out)
        assert set(found) == {"index.html", *(f"{name}.{kind}" for name in names for kind in ("png", "csv", "json"))}
        assert all(content.startswith(b"\x89PNG") for name, content in found.items() if name.endswith("png"))
        page = found["index.html"].decode()
        assert set(re.findall(r'(?:src|href)="([^"]+)"', page)) == set(found) - {"index.html"}
        assert str(data) in page
        tables.append({name: content for name, content in found.items() if name.endswith(("csv", "png"))})
    assert tables[0] == tables[1] == tables[2]


@pytest.mark.parametrize("command", [lambda data, *more: landscape_of(data, "--epochs", 50, *more), path_of])
def test_the_same_request_gives_the_same_bytes(command, files, tmp_path):
    data = next(iter(files))
    for name in ("one", "two"):
        assert run(*command(data, "--out", tmp_path / name)) == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_page_and_the_records_hold_the_numbers(files, arrays, tmp_path):
    data, out = next(iter(files)), tmp_path / "out"
    m, rep = lv.Moments.from_data(*arrays), lv.groups.cyclic(4)
    assert run(*landscape_of(data, "--points", 2, "--out", out)) == 0
    assert run(*path_of(data, "--out", out)) == 0  # beside the other: only the page is replaced
    optimum = lv.solve(lv.augmented(m, rep, rank=2))
    with (out / "landscape.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert float(rows[0]["loss"]) == optimum.loss
    record = json.loads((out / "landscape.json").read_text(encoding="utf-8"))
    assert record["command"] == "landscape"
    assert record["options"] == {"method": "augmented", "strength": None, "points": 2, "epochs": 0, "seed": 0}
    assert record["group"] == {"asked": "cyclic:4", "is": "cyclic(4)", "order": "4"}
    assert (record["data"]["n"], record["data"]["inputs"], record["data"]["outputs"]) == (30, 4, 3)
    assert {"linvariance", "numpy", "scipy", "matplotlib"} <= set(record["versions"])
    assert optimum.loss in [finding["value"] for finding in record["findings"]]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert record["data"]["sha256"] in page
    f = lv.regularization_path(m, rep, rank=2)
    for number in (f.smallest_gap, f.limit.loss, f.at_zero.loss):
        shown = f"{number:#.6g}" if number else "0"  # the path ends at rank 1: its gap at rank 2 tends to 0
        assert f'<td class="n">{shown}</td>' in page
    assert "30 samples of 4 inputs and 3 outputs" in page


def test_labels_are_encoded_and_the_page_says_so(arrays, tmp_path):
    np.savez(tmp_path / "d.npz", X=arrays[0], y=np.arange(30) % 3 + 4)
    assert run(*landscape_of(tmp_path / "d.npz", "--out", tmp_path / "out")) == 0
    assert "one-hot encoded labels y = 4, 5 and 6" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_names_from_outside_are_escaped_in_the_page(arrays, tmp_path):
    both = "\n".join(",".join(map(repr, row)) for row in np.hstack(arrays)[:, :5].tolist())
    (tmp_path / "d.csv").write_text(f"a,b,c,d,<b>u & v</b>\n{both}\n", encoding="utf-8")
    assert run(*path_of(tmp_path / "d.csv", "--targets", "<b>u & v</b>", "--out", tmp_path / "out")) == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;u &amp; v&lt;/b&gt;" in page
    assert "<b>" not in page


REFUSED = {
    "no data": (["landscape", "--group", "cyclic", "--method", "augmented", "--rank", "2"], "data"),
    "no rank": (["path", "d.npz", "--group", "cyclic"], "rank"),
    "no file": (["path", "none.npz", "--group", "cyclic", "--rank", "2"], "no file none.npz"),
    "rank 0": (["path", "d.npz", "--group", "cyclic", "--rank", "0"], "rank must be at least 1"),
    "rank two": (["path", "d.npz", "--group", "cyclic", "--rank", "two"], "two"),
    "an unknown group": (["path", "d.npz", "--group", "cycle", "--rank", "2"], "no group 'cycle'"),
    "another group": (["path", "d.npz", "--group", "image-rotations:14", "--rank", "2"], "X has 4 columns, but"),
    "no strength": (
        ["landscape", "d.npz", "--group", "cyclic", "--method", "regularized", "--rank", "2"],
        "pass --strength",
    ),
    "NaN": (["path", "d.npz", "--group", "cyclic", "--rank", "2", "--from", "nan"], "--from must be finite"),
    "ends": (["path", "d.npz", "--group", "cyclic", "--rank", "2", "--from", "2", "--to", "1"], "below --to"),
    "targets": (["path", "d.csv", "--group", "cyclic", "--rank", "2", "--targets", "z"], "no column 'z'"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.usefixtures("files")
def test_a_request_that_makes_no_sense_is_refused_in_a_sentence(name, tmp_path, monkeypatch, capfd):
    arguments, words = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    assert run(*arguments) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("linvariance: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err.lower() or words in captured.err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("command", [landscape_of, path_of])
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_data_are_read(command, tmp_path, capfd):
    (tmp_path / "file").write_text("in the way")
    assert run(*command(tmp_path / "none.npz", "--out", tmp_path / "file")) == 2
    assert "Nothing can be written to the folder" in capfd.readouterr().err


@pytest.mark.parametrize(("failure", "code"), [(OSError(28, "No space left on device"), 2), (KeyboardInterrupt(), 130)])
@pytest.mark.parametrize("command", [landscape_of, path_of])
def test_after_a_failure_nothing_half_written_is_left(command, failure, code, files, tmp_path, monkeypatch, capfd):
    def save(figure, path):
        path.write_bytes(b"half a pic")
        if path.name in ("spectrum.png", "limits.png"):
            raise failure

    monkeypatch.setattr("linvariance.plots.save", save)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "landscape.csv").write_text("old")
    for out in (tmp_path / "old", tmp_path / "new" / "out"):
        assert run(*command(next(iter(files)), "--out", out)) == code
        assert "linvariance: " in capfd.readouterr().err
    assert contents(tmp_path / "old") == {"landscape.csv": b"old"}
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["landscape", "path"])
def test_help_names_every_option(name, capfd):
    assert cli.main([name, "--help"]) == 0
    shown = capfd.readouterr().out
    options = {"landscape": ("--method", "--strength", "--epochs", "--seed"), "path": ("--from", "--to")}[name]
    for option in (*options, "--group", "--rank", "--points", "--targets", "--out"):
        assert option in shown
