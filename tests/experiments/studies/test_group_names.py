"""Groups by name and from files are those of lv.groups."""

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments.studies.group import NAMED, parse

SHIFT = np.array([[1, 2, 0]])

EXPECTED = {
    "trivial:6": lv.groups.trivial(6),
    "trivial": lv.groups.trivial(6),
    "reversal": lv.groups.reversal(6),
    "cyclic:6": lv.groups.cyclic(6),
    "dihedral": lv.groups.dihedral(6),
    "symmetric:6": lv.groups.symmetric(6),
    "hypercube:6": lv.groups.hypercube(6),
    "adjacency:3": lv.groups.adjacency(3),
    "image-rotations:3": lv.groups.image_rotations(3),
    "image-dihedral:3": lv.groups.image_dihedral(3),
    "image-translations:2x3": lv.groups.image_translations(2, 3),
}


@pytest.mark.parametrize("text", EXPECTED)
def test_names(text):
    assert parse(text, EXPECTED[text].dim) == EXPECTED[text]


def test_every_name_is_tested():
    assert {text.partition(":")[0] for text in EXPECTED} == set(NAMED)


def test_columns_are_foretold():
    """Before the group is made, which may be large."""
    for named in NAMED.values():
        sizes = (2, 3)[: named.sizes.count("x") + 1]
        assert named.columns(*sizes) == named.make(*sizes).dim


def test_files(tmp_path):
    turn = np.array([[[0.6, -0.8], [0.8, 0.6]]])
    files = {
        "p.npy": (SHIFT, lv.groups.permutations(SHIFT)),
        "one.npy": (SHIFT[0], lv.groups.permutations(SHIFT)),
        "m.npy": (turn, lv.groups.matrices(turn)),
        "a matrix.npy": (turn[0], lv.groups.matrices(turn)),
        "p.npz": ({"permutations": SHIFT}, lv.groups.permutations(SHIFT)),
        "s.npz": ({"permutations": SHIFT, "signs": -np.ones((1, 3))}, lv.groups.signed_permutations(SHIFT, [[-1] * 3])),
        "m.npz": ({"matrices": turn}, lv.groups.matrices(turn)),
    }
    for name, (content, rep) in files.items():
        path = tmp_path / name
        np.savez(path, **content) if isinstance(content, dict) else np.save(path, content)
        assert parse(str(path), rep.dim) == rep


REFUSED = {
    "rotation:14": "no group 'rotation'. Known are trivial:N, reversal:N, .* and image-translations:HEIGHTxWIDTH",
    "": "no group ''",
    "image-rotations": "--group image-rotations must be image-rotations:SIDE, such as image-rotations:14",
    "image-rotations:": "must be image-rotations:SIDE",
    "image-rotations:14x14": "must be image-rotations:SIDE",
    "image-translations:28": "must be image-translations:HEIGHTxWIDTH, such as image-translations:28x28",
    "cyclic:ten": "must be cyclic:N",
    "cyclic:-3": "must be cyclic:N",
    "cyclic:0": "must be cyclic:N",
    "image-rotations:14": "X has 195 columns, but the group image-rotations:14 acts on 196",
    "image-dihedral:1000000000": "X has 195 columns, but .* acts on 1000000000000000000",
    "symmetric:196": "X has 195 columns",
}


@pytest.mark.parametrize("text", REFUSED)
def test_names_that_are_refused(text):
    with pytest.raises(ValueError, match=REFUSED[text]):
        parse(text, 195)


def test_files_that_are_refused(tmp_path):
    path = tmp_path / "g.npz"
    with pytest.raises(FileNotFoundError, match="no file"):
        parse(str(path), 3)
    for content, words in (
        ({"permutations": [[0, 0, 1]]}, "no permutation of 0 .. 2"),
        ({"permutations": [[0.0, 1.0, 2.0]]}, "must hold integers"),
        ({"matrices": np.zeros((1, 3, 3))}, "g.npz: "),
        ({"matrices": np.full((1, 3, 3), np.nan)}, "g.npz: "),
        ({"perms": SHIFT}, "holds perms, but must hold permutations"),
        ({}, "holds nothing"),
        ({"permutations": SHIFT.astype(object)}, "arrays of objects are not read"),
        ({"permutations": [[1, 0]]}, "X has 3 columns, but the group .*g.npz acts on 2"),
    ):
        np.savez(path, **content)
        with pytest.raises(ValueError, match=words):
            parse(str(path), 3)
