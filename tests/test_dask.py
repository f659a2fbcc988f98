"""Moments on dask: the same as at once, the same bits whatever happens on the way, even when a worker is killed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import strategies
from tolerances import close

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def agree(claim, m, X, Y, weights=None):
    whole = lv.Moments.from_data(X, Y, weights)
    x, y = np.linalg.norm(whole.factor[:, : whole.inputs]), np.sqrt(whole.yy)
    norms = {"n": whole.n, "xx": x * x, "yx": x * y, "yy": y * y, "mean_x": x, "mean_y": y}
    for name, norm in norms.items():
        close(f"{claim}: {name}", getattr(m, name), getattr(whole, name), norms=norm, dims=np.shape(X))


@settings(max_examples=40)
@given(strategies.seeds, st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.booleans(), st.booleans())
def test_arrays_however_they_are_cut(seed, n, rows, other, weighted, flat):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 4)), rng.standard_normal(n) if flat else rng.standard_normal((n, 2))
    w = rng.uniform(0, 1, n) * (rng.random(n) < 0.5) if weighted else None
    if weighted:
        w[-1] = 1.0
    lazy = None if w is None else da.from_array(w, chunks=rows)
    with dask.config.set(scheduler="synchronous"):
        m = lv.Moments.from_dask(da.from_array(X, chunks=(rows, 3)), da.from_array(Y, chunks=other), lazy)
    agree("dask arrays", m, X, Y, w)


def test_frames_with_partitions_of_unknown_length(rng):
    dd, pd = pytest.importorskip("dask.dataframe"), pytest.importorskip("pandas")
    table = pd.DataFrame(rng.standard_normal((50, 4)), columns=list("abyz"))
    frame = dd.from_pandas(table, npartitions=5)
    m = lv.Moments.from_dask(frame[["a", "b"]], frame[["y", "z"]])
    agree("dask frames", m, table[["a", "b"]], table[["y", "z"]])
    kept = frame[frame.a > table.a.nlargest(2).min()]  # one row: most partitions are empty
    agree("filtered", lv.Moments.from_dask(kept[["a", "b"]], kept["y"]), *_largest(table))


def _largest(table):
    row = table.loc[[table.a.idxmax()]]
    return row[["a", "b"]].to_numpy(), row["y"].to_numpy()


def test_what_X_and_Y_are_cut_from_is_read_once(rng):
    table, read = rng.standard_normal((12, 5)), []

    def block(k):
        read.append(k)
        return table[3 * k : 3 * k + 3]

    lazily = da.concatenate([da.from_delayed(dask.delayed(block)(k), (3, 5), float) for k in range(4)])
    agree("one source", lv.Moments.from_dask(lazily[:, :3], lazily[:, 3:]), table[:, :3], table[:, 3:])
    assert sorted(read) == [0, 1, 2, 3]


def lazy(array, rows=3):
    return da.from_array(array, chunks=(rows, *np.shape(array)[1:]))


X, Y, W = np.ones((8, 4)), np.ones((8, 2)), np.ones(8)
SPOILED = np.where(np.arange(32).reshape(8, 4) == 14, np.nan, X)  # in row 3, the first of block 1
BAD = {
    "X an array": ("X must be a dask array", (X, lazy(Y))),
    "Y an array": ("Y must be a dask array", (lazy(X), Y)),
    "weights a list": ("weights must be a dask array", (lazy(X), lazy(Y), [1.0] * 8)),
    "None": ("X must be a dask array", (None, lazy(Y))),
    "flat X": ("X must have 2 dimensions", (lazy(W), lazy(Y))),
    "weights of two dimensions": ("weights must have 1 dim", (lazy(X), lazy(Y), lazy(Y))),
    "another n": ("X has 8 rows and Y has 5", (lazy(X), lazy(Y[:5]))),
    "fewer weights": ("X has 8 rows and weights has 5", (lazy(X), lazy(Y), lazy(W[:5]))),
    "nan": (r"block 1: X\[0, 2\] is nan", (lazy(SPOILED), lazy(Y))),
    "complex": (r"block \d: X must hold", (lazy(X + 1j), lazy(Y))),
    "strings": (r"block \d: Y must hold", (lazy(X), lazy(Y.astype(str)))),
    "negative weights": (r"block \d: weights\[0\] is -1", (lazy(X), lazy(Y), lazy(-W))),
    "no weight": ("weights sum to 0", (lazy(X), lazy(Y), lazy(0 * W))),
    "no rows": ("X has no rows", (lazy(X[:0]), lazy(Y[:0]))),
    "overflow": (r"block \d: ‖X‖²/n overflows", (lazy(1e200 * X), lazy(Y))),
    "unknown lengths": ("blocks of rows", (lazy(X), lazy(Y, 2)[lazy(W, 2) > 0])),
    "unknown lengths that differ": ("block 1: X has 3 rows", (lazy(X), lazy(Y)[lazy(np.arange(8)) != 4])),
}


@pytest.mark.parametrize(("sentence", "arguments"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said(sentence, arguments):
    with pytest.raises((TypeError, ValueError), match=sentence):
        lv.Moments.from_dask(*arguments)


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"linvariance\[distributed\]"):
        lv.Moments.from_dask(lazy(X), lazy(Y))


def test_a_killed_worker_changes_no_bit(tmp_path):
    """Three worker processes; one is killed with results on it. In a process of its own: clusters leave threads."""
    pytest.importorskip("distributed")
    script = Path(__file__).with_name("cluster.py")
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["killed"] in found["died"]
    assert found["computed again"] > 0
    assert found["same bits"]
    assert found["sweep on the cluster is the sweep here"]
