"""Results in files: every bit comes back; what is no such file ends in a sentence."""

import io
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import strategies
from linvariance import files
from linvariance.groups.stored import fields_of, from_fields
from linvariance.training.state import State

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((12, 4)), RNG.standard_normal((12, 3))
MOMENTS = lv.Moments.from_data(X, Y)
SIGNED = lv.groups.signed_permutations([[1, 2, 3, 0]], [[1, 1, 1, -1]])
COS, SIN = np.cos(0.4 * np.pi), np.sin(0.4 * np.pi)
TURN = lv.groups.matrices([np.kron(np.eye(2), [[COS, -SIN], [SIN, COS]])])
LIE = lv.groups.lie([np.kron(np.eye(2), [[0.0, -1.0], [1.0, 0.0]])])
C4 = lv.groups.cyclic(4)
REPS = {
    "cyclic": C4,
    "large": lv.groups.symmetric(2000),  # an order of 5736 digits
    "trivial": lv.groups.trivial(4),
    "signed": SIGNED,
    "matrices": TURN,
    "lie": LIE,
    "conjugated": lv.groups.change_of_basis(TURN, np.eye(4) + 0.3 * np.tri(4)),
    "conjugated lie": lv.groups.change_of_basis(LIE, np.eye(4) + 0.3 * np.tri(4)),
}
PROBLEMS = [
    lv.augmented(MOMENTS, C4, rank=2),
    lv.regularized(MOMENTS, C4, rank=2, strength=2.0),
]
RECORD = lv.Record(every=2, entries=[(0, 1), (2, 3)])


def path(rep=C4, **terms):
    return lv.regularization_path(MOMENTS, rep, rank=2, **terms)


RESULTS = {
    "moments": lambda: MOMENTS,
    "centred moments": MOMENTS.centered,
    "moments of few": lambda: lv.Moments.from_data(X[:2], Y[:2]),
    "network": lambda: lv.Network([RNG.standard_normal((2, 4)), RNG.standard_normal((3, 2))]),
    "network, float32": lambda: lv.Network([np.ones((2, 4), np.float32)], "relu"),
    "network without width": lambda: lv.Network([np.ones((0, 4)), np.ones((3, 0))]),
    "network that diverged": lambda: lv.Network.from_flat(np.array([np.nan, np.inf]), (1, 1, 1), "tanh"),
    "solution": lambda: lv.solve(PROBLEMS[0]),
    "solution, zero": lambda: lv.solve(lv.unconstrained(lv.Moments.from_data(X, 0 * Y), rank=2)),
    "trace": lambda: lv.train(PROBLEMS, epochs=5, seeds=(0, 1, 2), record=RECORD),
    "trace of one run": lambda: lv.train(PROBLEMS[0], epochs=5),
    "trace with weights": lambda: lv.train(PROBLEMS[1], epochs=4, record=lv.Record(weights=True), dtype=np.float32),
    "trace with networks": lambda: lv.train(PROBLEMS, epochs=5, record=lv.Record(every=2, networks=True)),
    "trace of several dims": lambda: lv.train(
        [*PROBLEMS, lv.hard_wired(MOMENTS, C4, rank=1)], epochs=3, seeds=(0, 1), record=lv.Record(networks=True)
    ),
    "trace of a wired one": lambda: lv.train(lv.hard_wired(MOMENTS, C4, rank=1), epochs=3, seeds=(0, 1)),
    "path": path,
    "path with terms": lambda: path(SIGNED, ridge=0.5, metric=np.diag([1.0, 2.0, 3.0])),
}


def leaves(value):
    """All that a result holds, as a flat list of arrays and plain values."""
    if isinstance(value, lv.RegularizationPath):
        value = (
            *leaves(value.data),
            value.representation,
            value.rank,
            value.ridge,
            value.metric,
            value._left,
            value._tau,
        )
    elif isinstance(value, State):
        value = tuple(value.to_fields().values())
    elif isinstance(value, lv.Network):
        value = (value.activation, value.widths, *value.weights)
    elif isinstance(value, lv.Moments):
        value = (value.n, value.inputs, value._centered, value._triangle)
    elif isinstance(value, (lv.Solution, lv.Trace)):
        value = tuple(vars(value).values())
    elif not isinstance(value, (tuple, list)):
        return [value]
    return [leaf for part in value for leaf in leaves(part)]


def same(a, b):
    one, other = leaves(a), leaves(b)
    assert len(one) == len(other)
    for x, y in zip(one, other, strict=True):
        assert type(x) is type(y)
        if isinstance(x, np.ndarray):
            assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)
def test_every_bit_comes_back(make, tmp_path):
    result, file = make(), tmp_path / "result.npz"
    result.save(file)
    assert [p.name for p in tmp_path.iterdir()] == ["result.npz"]  # nothing temporary is left
    same(result, type(result).load(file))
    type(result).load(file).save(file)  # over itself
    same(result, type(result).load(str(file)))


@pytest.mark.parametrize("rep", REPS.values(), ids=REPS)
def test_representations_of_every_kind(rep, tmp_path):
    files.save(tmp_path / "rep.npz", "Representation", fields_of(rep))
    found = files.load(tmp_path / "rep.npz", "Representation", from_fields)
    assert found == rep
    assert repr(found) == repr(rep)
    assert found.order() == rep.order()
    for name, value in fields_of(rep).items():
        np.testing.assert_array_equal(value, fields_of(found)[name])


def test_a_representation_of_ones_own_is_refused():
    with pytest.raises(TypeError, match="rep must be a representation"):
        fields_of("C4")


@given(strategies.networks(), st.sampled_from(("identity", "relu", "swish")), st.booleans())
def test_networks_of_any_shape(drawn, activation, single):
    weights = [W.astype(np.float32) if single else W for W in drawn[0]]
    for biases in (None, [W[:, 0] if W.shape[1] else np.ones(len(W), W.dtype) for W in weights]):
        network = lv.Network(weights, activation, biases)
        fields = files.Fields(widths=np.array(network.widths), activation=np.array(network.activation))
        same(network, lv.Network.from_fields(fields, network.flat))


# ------------------------------------------------------------------------------------------------------ hostile files

KINDS = {
    name: RESULTS[name]
    for name in ("moments", "network", "solution", "trace", "trace of several dims", "path with terms")
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A sound file of each kind: (class, bytes)."""
    folder, found = tmp_path_factory.mktemp("sound"), {}
    for name, make in KINDS.items():
        result = make()
        result.save(folder / "file.npz")
        found[name] = type(result), (folder / "file.npz").read_bytes()
    return found


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def replaced(whole, **changed):
    """With some arrays replaced, or left out where None."""
    with np.load(io.BytesIO(whole)) as file:
        arrays = {**{name: file[name] for name in file.files}, **changed}
    return npz(**{name: value for name, value in arrays.items() if value is not None})


def zipped(name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def huge(whole):
    """An array that says it had 2^62 rows."""
    head = np.lib.format.magic(1, 0)
    text = repr({"descr": "<f8", "fortran_order": False, "shape": (2**62,)}).ljust(117) + "\n"
    return zipped("kind.npy", head + len(text).to_bytes(2, "little") + text.encode())


def flipped(whole):
    """Some bits in the middle of the first array's data."""
    middle = len(whole) // 3
    return whole[:middle] + bytes(b ^ 0x55 for b in whole[middle : middle + 64]) + whole[middle + 64 :]


HOSTILE = {
    "empty": lambda whole: b"",
    "one byte": lambda whole: b"P",
    "a text": lambda whole: b"height,weight\n1,2\n",
    "zeros": lambda whole: bytes(1000),
    "noise": lambda whole: np.random.default_rng(0).bytes(2000),
    "half": lambda whole: whole[: len(whole) // 2],
    "all but one byte": lambda whole: whole[:-1],
    "the end only": lambda whole: whole[len(whole) // 2 :],
    "bits flipped": flipped,
    "a pickle": lambda whole: pickle.dumps({"kind": "Moments"}),
    "a single array": lambda whole: _npy(np.ones(3)),
    "pickled objects": lambda whole: replaced(whole, kind=np.array([{}], dtype=object)),
    "a pickled kind": lambda whole: zipped("kind.npy", _npy(np.array([{}], dtype=object))),
    "no arrays": lambda whole: zipped("readme.txt", "nothing here"),
    "foreign arrays": lambda whole: npz(X=np.ones((2, 2)), Y=np.ones(2)),
    "no kind": lambda whole: replaced(whole, kind=None),
    "another kind": lambda whole: replaced(whole, kind="Something"),
    "a kind that is a number": lambda whole: replaced(whole, kind=1),
    "a later format": lambda whole: replaced(whole, format=2),
    "a format that is text": lambda whole: replaced(whole, format="1"),
    "no format": lambda whole: replaced(whole, format=None),
    "kind and format only": lambda whole: npz(**_labels(whole)),
    "a huge shape": huge,
}


def _npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _labels(whole):
    with np.load(io.BytesIO(whole)) as file:
        return {"kind": file["kind"], "format": file["format"]}


def refused(stored, kind, content, folder):
    cls, file = stored[kind][0], folder / "file.npz"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"file\.npz holds no {cls.__name__} written by {cls.__name__}\.save: \w"):
        cls.load(file)


@pytest.mark.parametrize("spoil", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_end_in_sentences(kind, spoil, stored, tmp_path):
    refused(stored, kind, spoil(stored[kind][1]), tmp_path)


OPTIONAL = {"weights", "layers", "rep_order", "rep_name", "rep_signs", "metric"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_missing_or_of_another_kind(kind, stored, tmp_path):
    with np.load(io.BytesIO(stored[kind][1])) as file:
        names = file.files
    for name in names:
        if name not in OPTIONAL or kind == "solution":
            refused(stored, kind, replaced(stored[kind][1], **{name: None}), tmp_path)
        for wrong in (np.array(1j), np.ones((1, 1, 1, 1, 1)), np.array("text" * 3), np.ones((2, 0))):
            if not (name == "rep_name" and wrong.dtype.kind == "U"):
                refused(stored, kind, replaced(stored[kind][1], **{name: wrong}), tmp_path)


CONTRADICTIONS = {
    ("moments", "inputs"): 9,
    ("moments", "n"): 3.0,
    ("moments", "triangle"): np.full((8, 8), np.nan),
    ("network", "widths"): [4, 3, 3],
    ("network", "activation"): "softplus",
    ("solution", "rank"): 7,
    ("trace", "epochs"): np.arange(3),
    ("trace", "flats"): np.ones((2, 2, 14)),
    ("trace", "layers"): np.ones((2, 3, 4, 13)),
    ("trace", "seeds"): [1, 2],
    ("trace of several dims", "seeds"): [-1, 2],
    ("trace", "methods"): '["augmented"]',
    ("trace", "ends"): np.full((2, 3), 4),
    ("trace", "entries"): np.ones((2, 3, 1, 2)),
    ("trace", "depths"): [3, 1],
    ("trace of several dims", "depths"): [2, 2, 1],
    ("trace of several dims", "widths"): [4, 2, 3, 4, 2, 3, 2, 1, 3],
    ("trace of several dims", "layers"): np.ones((2, 2, 31)),
    ("trace", "state_means"): np.ones((3, 1, 28)),
    ("trace", "state_steps"): np.ones((2, 2), int),
    ("trace", "state_about"): "[]",
    ("path with terms", "rep_images"): [[0, 0, 1, 2]],
    ("path with terms", "rep_signs"): [[1, 1, 1, 2]],
    ("path with terms", "rep_order"): "many",
    ("path with terms", "rank"): 0,
    ("path with terms", "ridge"): -1.0,
    ("path with terms", "metric"): -np.eye(3),
    ("path with terms", "data_inputs"): 3,
}


@pytest.mark.parametrize(("place", "value"), CONTRADICTIONS.items(), ids=map(str, CONTRADICTIONS))
def test_contradictions(place, value, stored, tmp_path):
    kind, name = place
    refused(stored, kind, replaced(stored[kind][1], **{name: value}), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_or_nothing_there(kind, stored, tmp_path):
    cls = stored[kind][0]
    with pytest.raises(FileNotFoundError):
        cls.load(tmp_path / "missing.npz")
    with pytest.raises(OSError, match=tmp_path.name):
        cls.load(tmp_path)
    with pytest.raises(OSError, match="nowhere"):
        KINDS[kind]().save(tmp_path / "nowhere" / "file.npz")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------------------------ frames


@pytest.mark.parametrize("runs", [(2, 3), (1, 1)])
def test_a_trace_as_a_tidy_frame(runs):
    pytest.importorskip("pandas")
    seeds = (7, 3, 5)[: runs[1]]
    trace = lv.train(PROBLEMS[: runs[0]], epochs=5, seeds=seeds, record=RECORD)
    frame, T = trace.to_frame(), len(trace.epochs)
    assert len(frame) == runs[0] * runs[1] * T
    assert not frame.duplicated(["problem", "seed", "epoch"]).any()
    for i, k in np.ndindex(runs):
        one, mine = trace.at(i, k), frame[(frame.problem == i) & (frame.seed == seeds[k])]
        assert set(mine.method) == {trace.methods[i]}
        assert trace.methods[i].startswith(PROBLEMS[i].method)
        np.testing.assert_array_equal(mine.epoch, one.epochs)
        np.testing.assert_array_equal(mine.loss, one.loss)
        np.testing.assert_array_equal(mine.norm_seen, one.norm_seen)
        np.testing.assert_array_equal(mine[["entry_0", "entry_1"]], one.entries)


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        lv.train(PROBLEMS[0], epochs=1).to_frame()
