"""The examples run on few data sets, end in their assertions, and leave a picture."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "comparison")
METHODS = ["no symmetry", "augmented", "hard-wired", "regularized", "selected", "Ridge", "PLS"]


@pytest.mark.parametrize("name", NAMES)
def test_example(name, tmp_path, monkeypatch, capsys):
    for needed in ("sklearn", "matplotlib", *["mlxtend"] * (name == "probe")):
        pytest.importorskip(needed)
    script = EXAMPLES / f"{name}.py"
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "argv", [str(script), "--seeds", "2", "--out", str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith(tuple(METHODS))]
    assert [next(name for name in METHODS if row.startswith(name)) for row in rows] == METHODS
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
