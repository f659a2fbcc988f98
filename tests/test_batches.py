"""Moments of batches: to the bit those of the whole, whatever the cuts; tables of all kinds; which batch is wrong."""

import itertools
import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import strategies
from linvariance.data import folding
from tolerances import close


def state(m):
    return m.n, np.asarray(m.factor), m.mean_x, m.mean_y


def same_bits(a, b):
    for one, other in zip(state(a), state(b), strict=True):
        np.testing.assert_array_equal(one, other)


@st.composite
def streams(draw):
    """X, Y, weights or None, and where to cut: into single rows, empty batches, batches without weight."""
    n, d, outputs = draw(st.integers(1, 60)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(strategies.seeds))
    X = strategies.matrix(rng, n, d, draw(st.sampled_from(tuple(strategies.SPECTRA)))) + draw(st.sampled_from((0, 3)))
    weights = draw(st.sampled_from((None, rng.uniform(0, 2, n) * (rng.random(n) < 0.6))))
    if weights is not None:
        weights[rng.integers(n)] = 1.0
    cuts = np.sort(rng.integers(0, n + 1, draw(st.integers(0, 12))))
    return X, rng.standard_normal((n, outputs)), weights, [0, *cuts.tolist(), n], rng


def pieces(X, Y, weights, ends):
    for start, stop in itertools.pairwise(ends):
        rows = slice(start, stop)
        yield (X[rows], Y[rows]) if weights is None else (X[rows], Y[rows], weights[rows])


@given(streams(), st.booleans())
def test_batches_are_the_whole_to_the_bit(stream, small_blocks):
    X, Y, weights, ends, _ = stream
    with mock.patch.object(folding, "BLOCK_BYTES", 0 if small_blocks else folding.BLOCK_BYTES):
        same_bits(lv.Moments.from_batches(pieces(X, Y, weights, ends)), lv.Moments.from_data(X, Y, weights))


@pytest.mark.parametrize("exponents", [(150, 150), (-150, -150), (150, -150), (-150, 150)], ids=str)
@pytest.mark.parametrize("spectrum", strategies.SPECTRA)
def test_scales_over_many_small_blocks(spectrum, exponents, monkeypatch):
    monkeypatch.setattr(folding, "BLOCK_BYTES", 0)
    rng, (a, b) = np.random.default_rng(2), (10.0**e for e in exponents)
    X, Y = strategies.matrix(rng, 200, 7, spectrum), rng.standard_normal((200, 2))
    m, x, y = lv.Moments.from_data(a * X, b * Y), np.linalg.norm(X) / np.sqrt(200), np.linalg.norm(Y) / np.sqrt(200)
    close("small blocks: xx", m.xx / a / a, X.T @ X / 200, norms=x * x, dims=200)
    close("small blocks: yx", m.yx / a / b, Y.T @ X / 200, norms=x * y, dims=200)
    close("small blocks: yy", m.yy / b / b, y * y, norms=y * y, dims=200)
    s, t = (np.linalg.svd(r, compute_uv=False) for r in (m.factor[:, :7] / a, X / np.sqrt(200)))
    close("small blocks: singular values of the factor's x", s, t, norms=x, dims=200)


@settings(max_examples=200)
@given(streams())
def test_any_split_and_any_tree_of_merges_agree(stream):
    """Streams of some batches each, merged in any order and bracketing, against the whole at once."""
    X, Y, weights, ends, rng = stream
    whole, parts = lv.Moments.from_data(X, Y, weights), []
    for piece in pieces(X, Y, weights, ends):
        if len(piece[0]) and (weights is None or piece[2].sum() > 0):
            inner = np.sort(rng.integers(0, len(piece[0]) + 1, 3)).tolist()
            triple = (*piece, None)[:3]
            parts.append(lv.Moments.from_batches(pieces(*triple, [0, *inner, len(piece[0])])))
    while len(parts) > 1:
        i, j = rng.permutation(len(parts))[:2]
        parts = [part for k, part in enumerate(parts) if k not in (i, j)] + [parts[i] + parts[j]]
    x, y = np.linalg.norm(whole.factor[:, : X.shape[1]]), np.sqrt(whole.yy)
    norms = {"n": whole.n, "xx": x * x, "yx": x * y, "yy": y * y, "mean_x": x, "mean_y": y}
    for name, norm in norms.items():
        close(f"trees: {name}", getattr(parts[0], name), getattr(whole, name), norms=norm, dims=X.size + Y.size)


def test_a_batch_may_be_overwritten_by_the_next(rng):
    X, Y, buffer = rng.standard_normal((30, 4)), rng.standard_normal(30), np.empty((3, 4))

    def reused():
        for start in range(0, 30, 3):
            buffer[:] = X[start : start + 3]
            yield buffer, Y[start : start + 3]
            buffer[:] = np.nan

    same_bits(lv.Moments.from_batches(reused()), lv.Moments.from_data(X, Y))


def test_memory_is_bounded_and_the_stream_is_read_once():
    read = []

    def stream():
        for k in range(60):
            read.append(k)
            yield np.full((10_000, 20), float(k % 7)), np.ones(10_000)

    tracemalloc.start()
    try:
        m = lv.Moments.from_batches(stream())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert m.n == 600_000
    assert read == list(range(60))
    assert peak < 40 * 2**20  # the stream is 101 MB


# ------------------------------------------------------------------------------------------------------------ tables

NAMES = ("a", "b", "y", "w")


def _arrow(table):
    return pytest.importorskip("pyarrow").table(table)


TABLES = {
    "dict": dict,
    "structured": lambda table: np.rec.fromarrays(list(table.values()), names=",".join(table)),
    "pandas": lambda table: pytest.importorskip("pandas").DataFrame(table),
    "polars": lambda table: pytest.importorskip("polars").DataFrame(table),
    "arrow": _arrow,
    "arrow batch": lambda table: _arrow(table).to_batches()[0],
    "tensors": lambda table: {k: pytest.importorskip("torch").from_numpy(v) for k, v in table.items()},
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("weights", [None, "w"])
def test_tables_by_column_names(make, weights, rng):
    columns = [rng.standard_normal(20), rng.integers(0, 5, 20), rng.standard_normal(20), rng.uniform(0.5, 1, 20)]
    cut = [make(dict(zip(NAMES, [c[rows] for c in columns], strict=True))) for rows in (slice(0, 9), slice(9, 20))]
    found = lv.Moments.from_batches(cut, inputs=["b", "a"], targets="y", weights=weights)
    X = np.stack([columns[1], columns[0]]).T
    same_bits(found, lv.Moments.from_data(X, columns[2], columns[3] if weights else None))


def test_parquet_files_in_batches(tmp_path, rng):
    pq = pytest.importorskip("pyarrow.parquet")
    X, Y = rng.standard_normal((1000, 3)).astype(np.float32), rng.standard_normal((1000, 2))
    table = _arrow({**{f"x{j}": X[:, j] for j in range(3)}, "u": Y[:, 0], "v": Y[:, 1]})
    pq.write_table(table, tmp_path / "data.parquet", row_group_size=300)
    with pq.ParquetFile(tmp_path / "data.parquet") as file:
        batches = file.iter_batches(batch_size=128)
        found = lv.Moments.from_batches(batches, inputs=["x0", "x1", "x2"], targets=["u", "v"])
    same_bits(found, lv.Moments.from_data(X, Y))


def test_frames_and_memory_maps_as_parts(tmp_path, rng):
    X, Y = rng.standard_normal((50, 3)).astype(np.float32), rng.standard_normal((50, 1))
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    frame = pytest.importorskip("pandas").DataFrame(Y)
    same_bits(
        lv.Moments.from_batches((mapped[k : k + 20], frame.iloc[k : k + 20]) for k in range(0, 50, 20)),
        lv.Moments.from_data(X, Y),
    )


def test_nulls_in_tables_are_refused_with_their_column():
    table = _arrow({"a": [1.0, None, 3.0], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match=r"batch 1: X \(column 'a'\)\[1\] is nan"):
        lv.Moments.from_batches([{"a": [1.0], "y": [2.0]}, table], inputs="a", targets="y")


def test_what_the_stream_itself_raises_comes_through_as_it_is():
    def broken():
        yield np.ones((2, 2)), np.ones(2)
        raise ValueError("the disk is gone")

    with pytest.raises(ValueError, match=r"^the disk is gone$"):
        lv.Moments.from_batches(broken())
