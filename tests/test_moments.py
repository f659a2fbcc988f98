"""Moments: the sums they stand for, any split and order of merging, scales, persistence, and what they refuse."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linvariance as lv
import strategies
from tolerances import bounded, close

SPECTRA = st.sampled_from(tuple(strategies.SPECTRA))


@st.composite
def tables(draw):
    """X (n, d0), Y (n, dL) and weights (n,) or None; n < d0, d0 < n, one row, one column."""
    n, d, outputs = draw(st.integers(1, 40)), draw(st.integers(1, 12)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(strategies.seeds))
    weights = draw(st.sampled_from((None, "random", "some zero")))
    if weights is not None:
        w = rng.uniform(0.1, 3, n)
        w[1:] *= rng.integers(0, 2, n - 1) if weights == "some zero" else 1
        weights = w
    return (
        strategies.matrix(rng, n, d, draw(SPECTRA)) + draw(st.sampled_from((0.0, 5.0))),
        rng.standard_normal((n, outputs)),
        weights,
    )


def sums(X, Y, weights=None):
    """Total weight, means and second moments, literally."""
    w = np.ones(len(X)) if weights is None else weights
    n = w.sum()
    return {
        "n": n,
        "xx": X.T @ (w[:, None] * X) / n,
        "yx": Y.T @ (w[:, None] * X) / n,
        "yy": float(np.sum(w[:, None] * Y**2)) / n,
        "mean_x": w @ X / n,
        "mean_y": w @ Y / n,
    }


def agree(claim, m, expected, size):
    x, y = np.sqrt(np.trace(expected["xx"])), np.sqrt(expected["yy"])
    norms = {"n": expected["n"], "xx": x * x, "yx": x * y, "yy": y * y, "mean_x": x, "mean_y": y}
    for name, value in expected.items():
        close(f"{claim}: {name}", getattr(m, name), value, norms=norms[name], dims=size)


def same_state(claim, a, b, size):
    """The factor is unique up to signs of rows only: compare what it stands for, and its singular values."""
    rows = [np.asarray(m.factor) for m in (a, b)]
    norm = np.linalg.norm(rows[0])
    close(f"{claim}: FᵀF", rows[0].T @ rows[0], rows[1].T @ rows[1], norms=norm**2, dims=size)
    s, t = (np.linalg.svd(f, compute_uv=False) for f in rows)
    k = min(len(s), len(t))
    close(f"{claim}: singular values", s[:k], t[:k], norms=norm, dims=size)


@given(tables())
def test_moments_are_the_sums(table):
    X, Y, weights = table
    agree("moments", lv.Moments.from_data(X, Y, weights=weights), sums(X, Y, weights), X.size + Y.size)


@given(tables())
def test_factor_is_triangular_and_an_equivalent_data_set(table):
    X, Y, weights = table
    m = lv.Moments.from_data(X, Y, weights=weights)
    F = np.asarray(m.factor)
    w = np.ones(len(X)) if weights is None else weights
    rows = np.sqrt(w / w.sum())[:, None] * np.hstack([X, Y])
    np.testing.assert_array_equal(F, np.triu(F))
    assert F.shape[1] == rows.shape[1]
    assert len(F) <= rows.shape[1]
    s, t = np.linalg.svd(F, compute_uv=False), np.linalg.svd(rows, compute_uv=False)
    k = min(len(s), len(t))
    norm = np.linalg.norm(rows)
    close("factor: singular values", s[:k], t[:k], norms=norm, dims=rows.shape)  # no squared condition number here
    bounded("factor: the others vanish", float(np.linalg.norm(np.r_[s[k:], t[k:]])), norms=norm, dims=rows.shape)
    W = np.random.default_rng(0).standard_normal((Y.shape[1], X.shape[1]))
    V = np.hstack([W, -np.eye(Y.shape[1])]).T
    bounded(
        "factor: ‖F_x Wᵀ - F_y‖² = loss",
        abs(np.sum((F @ V) ** 2) - np.sum((rows @ V) ** 2)),
        norms=(norm * np.linalg.norm(V)) ** 2,
        dims=rows.shape,
    )


@given(tables())
def test_centred_moments_are_those_of_centred_data(table):
    X, Y, weights = table
    s = sums(X, Y, weights)
    c = lv.Moments.from_data(X, Y, weights=weights).centered()
    expected = sums(X - s["mean_x"], Y - s["mean_y"], weights)
    # The subtraction of means is a backward error in X: the norms are those of the data before it.
    x, y = np.sqrt(np.trace(s["xx"])), np.sqrt(s["yy"])
    for name, norms in {"xx": x * x, "yx": x * y, "yy": y * y}.items():
        close(f"centred: {name}", getattr(c, name), expected[name], norms=norms, dims=X.size + Y.size)
    assert c.n == pytest.approx(s["n"])


@given(tables(), st.integers(0, 10**6))
def test_moments_about_a_point_are_those_of_translated_data(table, seed):
    X, Y, weights = table
    rng, m = np.random.default_rng(seed), lv.Moments.from_data(X, Y, weights=weights)
    shift = rng.standard_normal(X.shape[1]) * (1 + np.abs(X).max()), rng.standard_normal(Y.shape[1]) * np.abs(Y).max()
    found, expected = m.about(*shift), sums(X - shift[0], Y - shift[1], weights)
    x = np.sqrt(np.trace(expected["xx"])) + np.sqrt(np.trace(m.xx)) + np.linalg.norm(shift[0])
    y = np.sqrt(expected["yy"]) + np.sqrt(m.yy) + np.linalg.norm(shift[1])
    for name, norms in {"xx": x * x, "yx": x * y, "yy": y * y, "mean_x": x, "mean_y": y}.items():
        close(f"translated: {name}", getattr(found, name), expected[name], norms=norms, dims=X.size + Y.size)
    back = found.about(-shift[0], -shift[1])
    close("translated and back", back.xx, m.xx, norms=x * x, dims=X.size + Y.size)
    merged = found + found
    close("translated, then merged", merged.xx, found.xx, norms=x * x, dims=X.size + Y.size)


def test_moments_about_the_means_are_the_centred_ones(rng):
    X = np.hstack([rng.standard_normal((9, 3)) + 1e6, np.full((9, 1), 7.7e8)])
    m = lv.Moments.from_data(X, rng.standard_normal(9))
    about, centred = m.about(m.mean_x, m.mean_y), m.centered()
    np.testing.assert_allclose(about.xx, centred.xx, rtol=1e-14)
    assert not about.xx[3].any()  # a constant column leaves no rounding
    with pytest.raises(ValueError, match="means"):
        centred.about(m.mean_x, m.mean_y)


def test_the_mean_over_a_group_is_that_of_all_copies(rng):
    rep = lv.groups.change_of_basis(lv.groups.cyclic(3), rng.standard_normal((3, 3)) + 3 * np.eye(3))
    X = rng.standard_normal((8, 3))
    m = lv.Moments.from_data(X, X)
    copies = np.vstack([X @ g.T for g in rep.elements()])
    np.testing.assert_allclose(m.mean_over(rep), copies.mean(axis=0), atol=1e-13)


def test_centred_moments_refuse_to_grow(rng):
    m = lv.Moments.from_data(rng.standard_normal((6, 3)), rng.standard_normal(6))
    c = m.centered()
    with pytest.raises((ValueError, TypeError)):
        c + m
    with pytest.raises((ValueError, TypeError)):
        m + c
    with pytest.raises((ValueError, TypeError)):
        c += lv.Moments.from_data(np.ones((1, 3)), np.ones(1))


# ------------------------------------------------------------------------------------------------ splits and merges


@settings(max_examples=200)
@given(tables(), strategies.seeds)
def test_any_split_and_order_of_merging_gives_the_same(table, seed):
    """Cut anywhere, build each piece at once or by growing, merge in any order and any bracketing."""
    X, Y, weights = table
    rng = np.random.default_rng(seed)
    size = X.size + Y.size
    order = rng.permutation(len(X))
    ends = np.sort(rng.integers(0, len(X) + 1, rng.integers(1, 6)))
    pieces = [piece for piece in np.split(order, ends) if len(piece)]
    if weights is not None:  # a piece without weight has no moments
        pieces = [piece for piece in pieces if weights[piece].sum() > 0]

    def take(rows):
        return X[rows], Y[rows], None if weights is None else weights[rows]

    def build(rows):
        x, y, w = take(rows)
        half = len(rows) // 2
        if half and (w is None or (w[:half].sum() > 0 and w[half:].sum() > 0)) and rng.integers(2):
            m = lv.Moments.from_data(x[:half], y[:half], weights=None if w is None else w[:half])
            m += lv.Moments.from_data(x[half:], y[half:], weights=None if w is None else w[half:])
            return m
        return lv.Moments.from_data(x, y, weights=w)

    states = [build(piece) for piece in pieces]
    while len(states) > 1:
        i, j = rng.permutation(len(states))[:2]
        merged = states[i] + states[j]
        states = [s for k, s in enumerate(states) if k not in (i, j)] + [merged]
    agree("split and merge", states[0], sums(X, Y, weights), size)
    same_state("split and merge", states[0], lv.Moments.from_data(X, Y, weights=weights), size)


@given(tables())
def test_adding_leaves_both_as_they_were(table):
    X, Y, _ = table
    a, b = lv.Moments.from_data(X, Y), lv.Moments.from_data(2 * X, Y)
    kept = a.xx.copy(), b.xx.copy(), np.array(a.factor)
    total = a + b
    grown = a
    grown += lv.Moments.from_data(X, Y)
    assert grown.n == 2 * a.n
    assert total.n == 2 * len(X)
    for before, after in zip(kept, (a.xx, b.xx, a.factor), strict=True):
        np.testing.assert_array_equal(before, after)


def test_row_by_row(rng):
    X, Y = rng.standard_normal((100, 5)), rng.standard_normal((100, 2))
    m = lv.Moments.from_data(X[:1], Y[:1])
    for i in range(1, 100):
        m += lv.Moments.from_data(X[i : i + 1], Y[i : i + 1])
    agree("row by row", m, sums(X, Y), 100)


def test_sizes_that_do_not_fit_are_refused(rng):
    m = lv.Moments.from_data(rng.standard_normal((6, 3)), rng.standard_normal((6, 2)))
    with pytest.raises(ValueError, match="3"):
        m + lv.Moments.from_data(np.ones((2, 4)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="2"):
        m + lv.Moments.from_data(np.ones((2, 3)), np.ones((2, 3)))


# ----------------------------------------------------------------------------------------------------------- scales


@pytest.mark.parametrize("spectrum", strategies.SPECTRA)
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (40, 10), (7, 100), (400, 196)], ids=str)
@pytest.mark.parametrize("exponents", [(0, 0), (150, 150), (-150, -150), (150, -150), (-150, 150)], ids=str)
def test_spectra_shapes_and_scales(spectrum, shape, exponents):
    """Columnwise: y may be 1e300 times smaller than x."""
    rng = np.random.default_rng(1)
    a, b = (10.0**e for e in exponents)
    X, Y = strategies.matrix(rng, *shape, spectrum), rng.standard_normal((shape[0], 2))
    m, plain = lv.Moments.from_data(a * X, b * Y), sums(X, Y)
    x, y = np.sqrt(np.trace(plain["xx"])), np.sqrt(plain["yy"])
    close("scales: xx", m.xx / a / a, plain["xx"], norms=x * x, dims=shape)
    close("scales: yx", m.yx / a / b, plain["yx"], norms=x * y, dims=shape)
    close("scales: yy", m.yy / b / b, plain["yy"], norms=y * y, dims=shape)
    close("scales: mean_x", m.mean_x / a, plain["mean_x"], norms=x, dims=shape)
    close("scales: mean_y", m.mean_y / b, plain["mean_y"], norms=y, dims=shape)
    F = np.asarray(m.factor)
    assert np.all(np.isfinite(F))
    s, t = (np.linalg.svd(r, compute_uv=False) for r in (F[:, : shape[1]] / a, X / np.sqrt(len(X))))
    k = min(len(s), len(t))
    close("scales: singular values of the factor's x", s[:k], t[:k], norms=x, dims=shape)


@pytest.mark.parametrize("exponents", [(150, -150), (-150, 150)], ids=str)
def test_columns_of_other_scales_are_not_taken_for_constant(exponents, rng):
    a, b = (10.0**e for e in exponents)
    X, Y = rng.standard_normal((9, 3)), rng.standard_normal((9, 2))
    m, plain = lv.Moments.from_data(a * X, b * Y), lv.Moments.from_data(X, Y)
    for found, expected in ((m.centered(), plain.centered()), (m.about(a * X[0], b * Y[0]), plain.about(X[0], Y[0]))):
        np.testing.assert_allclose(found.xx / a / a, expected.xx, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(found.yy / b / b, expected.yy, rtol=1e-12)


def test_second_moments_that_overflow_are_refused():
    with pytest.raises(ValueError, match=r"\bX\b"):
        lv.Moments.from_data(np.full((3, 2), 1e200), np.ones(3))
    with pytest.raises(ValueError, match=r"\bY\b"):
        lv.Moments.from_data(np.ones((3, 2)), np.full(3, 1e200))


# ------------------------------------------------------------------------------------------------------ kinds of input


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float16, np.float32])
def test_numbers_of_other_types_are_taken(dtype, rng):
    X, Y = rng.integers(0, 2, (9, 4)), rng.integers(0, 2, (9, 2))
    m = lv.Moments.from_data(X.astype(dtype), Y.astype(dtype))
    agree("other types", m, sums(X.astype(float), Y.astype(float)), 36)
    assert m.xx.dtype == np.float64


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: a[:, ::-1], lambda a: np.repeat(a, 2, 0)[::2]])
def test_any_memory_layout_is_taken(layout, rng):
    X, Y = layout(rng.standard_normal((9, 4))), layout(rng.standard_normal((9, 2)))
    agree("layouts", lv.Moments.from_data(X, Y), sums(X, Y), 36)


def test_lists_and_flat_targets_are_taken():
    m = lv.Moments.from_data([[1, 2], [3, 4], [5, 6]], [1, 0, 1])
    assert m.yx.shape == (1, 2)
    assert m.n == 3
    np.testing.assert_allclose(m.yx, [[2, 8 / 3]])


def test_the_data_are_never_copied_whole():
    X = np.broadcast_to(np.arange(6.0), (3_000_000, 6))  # 144 MB that are not there
    Y = np.broadcast_to(np.arange(2.0), (3_000_000, 2))
    lv.Moments.from_data(X[:100], Y[:100])
    tracemalloc.start()
    try:
        m = lv.Moments.from_data(X, Y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(m.mean_x, np.arange(6.0))
    assert peak < X.nbytes / 2


# ------------------------------------------------------------------------------------------------------ persistence


def everything(m):
    return [m.n, m.xx, m.yx, m.yy, m.mean_x, m.mean_y, np.asarray(m.factor)]


def test_save_and_load_keep_every_bit(tmp_path, rng):
    m = lv.Moments.from_data(rng.standard_normal((5, 9)), rng.standard_normal((5, 2)))  # a trapezoidal factor
    m.save(tmp_path / "moments.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["moments.npz"]  # nothing temporary is left
    with np.load(tmp_path / "moments.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
    loaded = lv.Moments.load(tmp_path / "moments.npz")
    for a, b in zip(everything(m), everything(loaded), strict=True):
        np.testing.assert_array_equal(a, b)
    grown, expected = (x + lv.Moments.from_data(np.ones((2, 9)), np.ones((2, 2))) for x in (loaded, m))
    np.testing.assert_array_equal(grown.xx, expected.xx)


def test_what_is_no_moments_file_is_refused(tmp_path):
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 not a moments file")
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, a=np.ones(3))
    objects = tmp_path / "objects.npz"
    np.savez(objects, factor=np.array([{}], dtype=object), n=np.array([{}], dtype=object))
    for path in (broken, foreign, objects):
        with pytest.raises(ValueError, match=path.name):
            lv.Moments.load(path)
    with pytest.raises(FileNotFoundError):
        lv.Moments.load(tmp_path / "missing.npz")


def test_nothing_half_written_is_left(tmp_path, rng):
    m = lv.Moments.from_data(rng.standard_normal((5, 3)), rng.standard_normal(5))
    with pytest.raises(OSError, match="nowhere"):
        m.save(tmp_path / "nowhere" / "moments.npz")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        m.save(tmp_path / "folder")
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]


def test_a_truncated_file_is_refused(tmp_path, rng):
    path = tmp_path / "moments.npz"
    lv.Moments.from_data(rng.standard_normal((50, 30)), rng.standard_normal(50)).save(path)
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"Moments\.save"):
            lv.Moments.load(path)


def test_copies_and_pickles(rng):
    m = lv.Moments.from_data(rng.standard_normal((8, 3)), rng.standard_normal((8, 2)))
    for other in (copy.copy(m), copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        for a, b in zip(everything(m), everything(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_handed_out_does_not_lead_back_in(rng):
    m = lv.Moments.from_data(rng.standard_normal((8, 3)), rng.standard_normal((8, 2)))
    before = m.xx.copy()
    for array in (m.xx, m.yx, m.mean_x, m.factor):
        try:
            array[...] = 7.0
        except ValueError:  # read-only is as good
            continue
    np.testing.assert_array_equal(m.xx, before)
