"""What no reader should trust ends in a sentence, soon and in little memory; the gate knows no third way."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import hostile_files
import linvariance as lv
from linvariance import arrays

MEMORY, LONGEST = 200, 500  # MiB; characters, two paths among them


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(suffix, file, reader, how it ended, sentence, MiB) of every reader at every file."""
    pytest.importorskip("cyclopts")
    command = [sys.executable, hostile_files.__file__, tmp_path_factory.mktemp("hostile")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_hostile_files_end_in_sentences(outcomes):
    kinds = {(suffix, name) for suffix, name, *_ in outcomes}
    print(f"{len(kinds)} files, {len(outcomes)} readings")  # noqa: T201
    assert len(kinds) >= 60
    for suffix, name, reader, end, sentence, _ in outcomes:
        assert end == "refused", (suffix, name, reader, end, sentence)
        assert "Traceback" not in sentence
        assert sentence.strip().isprintable()
        assert len(sentence) < LONGEST, (suffix, name, reader, sentence)


def test_hostile_files_take_little_memory(outcomes):
    worst = max(outcomes, key=lambda case: case[-1])
    print(f"{worst[-1]:.0f} MiB at most: {worst[:3]}")  # noqa: T201
    assert worst[-1] < MEMORY, worst


# ----------------------------------------------------------------------------------------------------------- Hypothesis


@st.composite
def spoiled(draw):
    """A sound file of moments with some bytes replaced, inserted or cut out, in its archive or in one of its arrays."""
    whole = bytearray(SOUND)
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(whole))), draw(st.integers(0, 12))
        whole[at : at + length] = draw(st.binary(max_size=12))
    return bytes(whole)


def _moments():
    buffer = io.BytesIO()
    np.savez(buffer, kind="Moments", format=1, **lv.Moments.from_data(hostile_files.X, hostile_files.Y).fields)
    return buffer.getvalue()


SOUND = _moments()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("spoiled") / "m.npz"


def answered(call, *words):
    """What a call gives, or None if it refuses with a sentence that has one of these words."""
    try:
        return call()
    except (ValueError, TypeError) as error:
        sentence = str(error)
    assert any(word in sentence for word in words), sentence
    return None


@given(content=spoiled())
def test_spoiled_moments_are_read_as_moments_or_refused(content, place):
    place.write_bytes(content)
    found = answered(lambda: lv.Moments.load(place), "holds no Moments written by Moments.save: ")
    assert found is None or np.isfinite(found.factor).all()


@given(header=st.text(st.characters(max_codepoint=255), max_size=80), content=st.binary(max_size=80))
def test_any_header_of_an_array_ends_in_a_sentence(header, content, place):
    place.write_bytes(hostile_files.zipped(("kind.npy", hostile_files.npy(header=header, content=content))))
    with pytest.raises(ValueError, match="holds no Moments"):
        lv.Moments.load(place)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=5),
    st.binary(max_size=5),
    hnp.arrays(hnp.scalar_dtypes() | hnp.array_dtypes(), hnp.array_shapes(min_dims=0, min_side=0, max_side=4)),
    st.recursive(st.floats() | st.text(max_size=2), lambda inner: st.lists(inner, max_size=3), max_leaves=9),
    st.dictionaries(st.text(max_size=2), st.floats(), max_size=2),
)


@given(ANYTHING)
def test_the_gate_answers_with_finite_numbers_or_a_sentence(value):
    found = answered(lambda: arrays.reals(value, "X", ndim=(1, 2, 3)), "X")
    assert found is None or (found.dtype.kind in "biuf" and np.isfinite(found).all())


@given(ANYTHING, ANYTHING)
def test_moments_of_anything_are_moments_or_a_sentence(X, Y):
    found = answered(lambda: lv.Moments.from_data(X, Y), "X", "Y")
    assert found is None or np.isfinite(found.factor).all()
