"""A user's files: read as they were written, whatever the format, or refused with the place that is wrong."""

import re

import numpy as np
import pytest

from linvariance.experiments.studies import data
from linvariance.experiments.studies.data import read

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.5, 6.0], [7.0, 8.0, -9.0], [0.1, 1e-300, 2e10]])
Y = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0], [0.3, 0.4]])
BOTH = np.hstack([X, Y])


def csv(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def table(path):
    lines = [",".join(map(repr, row)) for row in BOTH.tolist()]
    return csv(path, "\n".join(["a,b,c,u,v", *lines, ""]))


def test_three_formats_hold_the_same_data(tmp_path):
    np.savez(tmp_path / "d.npz", X=X, Y=Y)
    np.save(tmp_path / "d.npy", BOTH)
    found = [
        read(tmp_path / "d.npz"),
        read(tmp_path / "d.npy", "2"),
        read(table(tmp_path / "d.csv"), "u,v"),
    ]
    for one in found:
        np.testing.assert_array_equal(one.X, X)
        np.testing.assert_array_equal(one.Y, Y)
        assert one.X.flags.c_contiguous
        assert one.X.dtype == one.Y.dtype == np.float64
    assert len({one.sha256 for one in found}) == 1
    assert repr(found[2]) == f"Dataset(4 samples, 3 inputs, 2 outputs, {tmp_path / 'd.csv'}, targets u and v)"


def test_the_hash_knows_values_and_shapes(tmp_path):
    hashes = set()
    for name, (x, y) in {"a": (X, Y), "b": (X, 2 * Y), "c": (BOTH[:, :2], BOTH[:, 2:]), "d": (X[::-1], Y)}.items():
        np.savez(tmp_path / f"{name}.npz", X=x, Y=y)
        hashes.add(read(tmp_path / f"{name}.npz").sha256)
    assert len(hashes) == 4


def test_targets_may_stand_anywhere(tmp_path):
    path = table(tmp_path / "d.csv")
    np.testing.assert_array_equal(read(path, "c, a").X, BOTH[:, [1, 3, 4]])
    np.testing.assert_array_equal(read(path, "c, a").Y, BOTH[:, [2, 0]])
    np.save(tmp_path / "d.npy", BOTH)
    np.testing.assert_array_equal(read(tmp_path / "d.npy").Y, Y[:, 1:])


def test_spreadsheets_write_marks_quotes_and_blank_lines(tmp_path):
    path = csv(tmp_path / "D.CSV", '\ufeff"a, first",b\r\n" 1",2\r\n\r\n"3","4e0"\r\n')
    found = read(path)
    np.testing.assert_array_equal(found.X, [[1.0], [3.0]])
    np.testing.assert_array_equal(found.Y, [[2.0], [4.0]])


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int16])
def test_labels_become_one_hot_targets_in_ascending_order(kind, tmp_path):
    np.savez(tmp_path / "d.npz", X=X, y=np.array([7, 3, 7, 5], dtype=kind))
    found = read(tmp_path / "d.npz")
    np.testing.assert_array_equal(found.Y, [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert found.source.endswith("targets the one-hot encoded labels y = 3, 5 and 7")


def test_one_target_may_be_a_vector(tmp_path):
    np.savez(tmp_path / "d.npz", X=X.astype(np.float32), Y=Y[:, 0])
    assert read(tmp_path / "d.npz").Y.shape == (4, 1)


REFUSED_TABLES = {
    "ragged": ("a,b\n1,2\n\n3\n", None, "Line 4 of .* has 1 cells, but the first line names 2 columns"),
    "too many cells": ("a,b\n1,2,3\n4,5,6\n", None, "Line 2 of .* has 3 cells"),
    "a word": ("a,b\n1,2\n3,four\n", None, "Line 3 of .* has 'four' in column 'b', which is no number"),
    "an empty cell": ("a,b,c\n1,,3\n", "c", "Line 2 of .* has '' in column 'b'"),
    "NaN": ("a,b\n1,2\nnan,4\n", None, "Line 3 of .* has nan in column 'a': every entry must be finite"),
    "infinity": ("a,b\n1,1e999\n", None, "Line 2 of .* has inf in column 'b'"),
    "what only Python reads": ("a,b\n1,1_000\n", None, "cannot be read: "),
    "a comment": ("a,b\n# 1,2\n", None, "Line 2 of .* has '# 1'"),
    "no names": ("1,2\n3,4\n", None, "holds numbers only, but must name the columns"),
    "nothing": ("", None, "begins with an empty line"),
    "no lines": ("a,b\n", None, "names 2 columns, but has no line of numbers"),
    "semicolons": ("a;b\n1;2\n", None, "has one column only, 'a;b'"),
    "names twice": ("a,b,a\n1,2,3\n", None, "has 2 columns named 'a'"),
    "an unknown target": ("a,b\n1,2\n", "c", "no column 'c' for --targets; it has a and b"),
    "which are targets": (
        "a,b,c\n1,2,3\n",
        None,
        "has 3 columns, a, b and c: say which are targets, such as --targets c",
    ),
    "a number of targets": ("a,b\n1,2\n", "1", "no column '1'"),
    "only targets": ("a,b\n1,2\n", "b,a", "--targets b,a takes all 2 columns"),
}


@pytest.mark.parametrize("name", REFUSED_TABLES)
def test_tables_that_are_refused(name, tmp_path):
    text, targets, words = REFUSED_TABLES[name]
    with pytest.raises(ValueError, match=words) as caught:
        read(csv(tmp_path / "d.csv", text), targets)
    assert "d.csv" in str(caught.value)


def test_long_lists_of_columns_are_shortened(tmp_path):
    names = [f"x{k}" for k in range(200)]
    path = csv(tmp_path / "d.csv", ",".join(names) + "\n" + ",".join(["1"] * 200) + "\n")
    with pytest.raises(ValueError, match=r"x0, x1, .*\.\.\. and x199 \(200 in all\)"):
        read(path, "target")


REFUSED_ARRAYS = {
    "no X": ({"A": X, "b": Y}, "holds A and b, but must hold X"),
    "nothing": ({}, "holds nothing, but must hold X"),
    "no targets": ({"X": X}, "holds X, but must hold"),
    "two targets": ({"X": X, "Y": Y, "y": np.arange(4)}, "one of Y .* and integer labels y"),
    "other lengths": ({"X": X, "Y": Y[:3]}, "X has 4 rows and Y has 3"),
    "other numbers of labels": ({"X": X, "y": np.arange(3)}, "X has 4 rows and Y has 3"),
    "NaN": ({"X": X, "Y": np.where(Y == 2, np.nan, Y)}, r"Y\[2, 0\] is nan"),
    "images": ({"X": X.reshape(2, 2, 3), "Y": Y[:2]}, "X must have 2 dimensions"),
    "complex numbers": ({"X": X + 1j, "Y": Y}, "X must hold bool, int, float16, float32 or float64"),
    "words": ({"X": X.astype(str), "Y": Y}, "X must hold"),
    "real labels": ({"X": X, "y": Y[:, 0]}, "y must hold integer labels .* holds float64"),
    "labels in a matrix": ({"X": X, "y": np.eye(4, dtype=int)}, r"y must hold integer labels .* has shape \(4, 4\)"),
    "no samples": ({"X": X[:0], "Y": Y[:0]}, "X is empty"),
    "objects": ({"X": X.astype(object), "Y": Y}, "arrays of objects are not read"),
}


@pytest.mark.parametrize("name", REFUSED_ARRAYS)
def test_arrays_that_are_refused(name, tmp_path):
    arrays, words = REFUSED_ARRAYS[name]
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(ValueError, match=words) as caught:
        read(tmp_path / "d.npz")
    assert "d.npz" in str(caught.value)


@pytest.mark.parametrize("targets", ["5", "0", "-1", "a", "1.5", ""])
def test_numbers_of_targets_that_are_refused(targets, tmp_path):
    np.save(tmp_path / "d.npy", BOTH)
    with pytest.raises(ValueError, match=re.escape(f"--targets {targets} must be the number of target columns")):
        read(tmp_path / "d.npy", targets)


def test_files_that_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*d\.npz"):
        read(tmp_path / "d.npz")
    with pytest.raises(ValueError, match=r"d.txt is no \.npz, \.npy or \.csv file"):
        read(tmp_path / "d.txt")
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(FileNotFoundError, match="no file"):
        read(tmp_path / "d.npz")
    np.save(tmp_path / "v.npy", X[0])
    with pytest.raises(ValueError, match=r"must hold a matrix .* shape \(3,\)"):
        read(tmp_path / "v.npy")
    np.save(tmp_path / "o.npy", X.astype(object))
    with pytest.raises(ValueError, match="arrays of objects are not read"):
        read(tmp_path / "o.npy")
    np.savez(tmp_path / "n.npz", X=X, Y=Y)
    with pytest.raises(ValueError, match="--targets Y chooses columns"):
        read(tmp_path / "n.npz", "Y")


@pytest.mark.parametrize("suffix", ["npz", "npy", "csv"])
@pytest.mark.parametrize("content", [b"", b"\x80\x81\xff", b"PK\x03\x04 no archive", b"\x93NUMPY\x01\x00"])
def test_damaged_files_are_refused(suffix, content, tmp_path):
    path = tmp_path / f"d.{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"d\.{suffix}"):
        read(path)


@pytest.mark.parametrize(
    "text", ["a" * 99, "a,b\n" + "1," * 50, "a,b\n1,2\n" + "1," * 50 + "\n3,4\n", "a,b\n1," + "x" * 99]
)
def test_lines_of_a_csv_have_a_bound(tmp_path, monkeypatch, text):
    monkeypatch.setattr(data, "LONGEST_LINE", 20)
    with pytest.raises(
        ValueError, match=r"d\.csv has a line of more than 20 characters\. Give each sample a line of its"
    ):
        read(csv(tmp_path / "d.csv", text))


def test_lines_up_to_the_bound_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "LONGEST_LINE", 6)
    assert read(csv(tmp_path / "d.csv", "a,b\r\n11,22\n\n33,444")).Y.tolist() == [[22.0], [444.0]]
