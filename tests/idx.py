"""Folders with IDX files, written from the format's definition."""

import gzip
import struct

import numpy as np

from linvariance.datasets import IMAGES, LABELS


def content(array):
    """The bytes of an IDX file of unsigned bytes."""
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder, images, labels, *, zipped=False, names=(IMAGES, LABELS)):
    """Both files of MNIST's training digits, or others, in `folder`, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, (images, labels), strict=True):
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content(array)))
        else:
            (folder / name).write_bytes(content(array))
    return folder


def blobs(n, seed=0):
    """Images (n, 28, 28) and labels (n,) that a linear model can tell apart a little, black at their borders."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n).astype(np.uint8)
    means = rng.uniform(0, 255, (10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    images = (means[labels] * rng.uniform(0, 1, (n, 28, 28))).astype(np.uint8)
    return np.pad(images[:, 2:-2, 2:-2], ((0, 0), (2, 2), (2, 2))), labels
