"""Groups by name, such as image-rotations:14, or from a file of generators."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import linvariance as lv
from linvariance.experiments.results import listed
from linvariance.experiments.studies.data import loaded
from linvariance.groups import Representation


@dataclass(frozen=True)
class Named:
    """A group of lv.groups: what to write after the colon, how it is made of that, how many columns it acts on."""

    sizes: str
    make: Callable[..., Representation]
    columns: Callable[..., int]

    @property
    def is_of_columns(self) -> bool:
        """Whether its only size is the number of columns, which the data know."""
        return self.sizes == "N"


def _itself(n: int) -> int:
    return n


def _product(height: int, width: int) -> int:
    return height * width


def _square(n: int) -> int:
    return n * n


NAMED = {
    "trivial": Named("N", lv.groups.trivial, _itself),
    "reversal": Named("N", lv.groups.reversal, _itself),
    "cyclic": Named("N", lv.groups.cyclic, _itself),
    "dihedral": Named("N", lv.groups.dihedral, _itself),
    "symmetric": Named("N", lv.groups.symmetric, _itself),
    "hypercube": Named("N", lv.groups.hypercube, _itself),
    "adjacency": Named("VERTICES", lv.groups.adjacency, _square),
    "image-rotations": Named("SIDE", lv.groups.image_rotations, _square),
    "image-dihedral": Named("SIDE", lv.groups.image_dihedral, _square),
    "image-translations": Named("HEIGHTxWIDTH", lv.groups.image_translations, _product),
}
"""The groups that have a name on the command line."""


def parse(text: str, columns: int) -> Representation:
    """The group that `text` stands for, acting on this many columns.

    Args:
        text: a name of `NAMED` with its sizes after a colon, which groups of all columns need not have; or the path
            of an .npz with `permutations` (M, d0), `signs` beside them or not, or with `matrices` (M, d0, d0), or of
            an .npy with permutations or matrices. They are those of lv.groups.
        columns: d0, of X.

    Raises:
        OSError, ValueError: saying what is known, or what does not fit.

    >>> parse("image-translations:4x3", 12), parse("symmetric", 5)
    (image_translations(4, 3), symmetric(5))
    """
    rep = _from_file(Path(text)) if Path(text).suffix in (".npz", ".npy") else _by_name(text, columns)
    _refuse_misfit(text, rep.dim, columns)
    return rep


def known() -> str:
    """The names with what to write after them, in a sentence."""
    return listed([f"{name}:{named.sizes}" for name, named in NAMED.items()])


def _by_name(text: str, columns: int) -> Representation:
    name, _, rest = text.partition(":")
    if name not in NAMED:
        raise ValueError(
            f"There is no group '{name}'. Known are {known()}, or pass an .npz or .npy file of generators."
        )
    named = NAMED[name]
    sizes = [str(columns)] if named.is_of_columns and not rest else rest.split("x")
    if len(sizes) != named.sizes.count("x") + 1 or not all(size.isdecimal() and int(size) for size in sizes):
        raise ValueError(f"--group {text} must be {name}:{named.sizes}, such as {name}:{_example(named)}.")
    numbers = [int(size) for size in sizes]
    _refuse_misfit(text, named.columns(*numbers), columns)  # before anything large is made
    return named.make(*numbers)


def _example(named: Named) -> str:
    return "28x28" if "x" in named.sizes else "14"


def _refuse_misfit(text: str, dim: int, columns: int) -> None:
    if dim != columns:
        raise ValueError(f"X has {columns} columns, but the group {text} acts on {dim}. Pass the group of these data.")


def _from_file(path: Path) -> Representation:
    arrays = loaded(path)
    try:
        if "" in arrays:
            rows = arrays[""]
            if rows.ndim == 3 or rows.dtype.kind == "f":
                return lv.groups.matrices(rows.reshape(-1, *rows.shape[-2:]))
            return lv.groups.permutations(rows)
        if set(arrays) == {"permutations", "signs"}:
            return lv.groups.signed_permutations(arrays["permutations"], arrays["signs"])
        if set(arrays) == {"permutations"}:
            return lv.groups.permutations(arrays["permutations"])
        if set(arrays) == {"matrices"}:
            return lv.groups.matrices(arrays["matrices"])
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
    raise ValueError(
        f"{path} holds {listed(sorted(arrays)) if arrays else 'nothing'}, but must hold permutations (M, d0), "
        "with signs (M, d0) or without, or matrices (M, d0, d0)."
    )
