"""Pictures and table of gallery.md, from a run of the package: `python docs/make_gallery.py`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.linalg import block_diag
from scipy.ndimage import gaussian_filter

import linvariance as lv
from linvariance.plots import LOOKS, SMALL, TEXT, panels, save

PAGE = Path(__file__).parent / "gallery.md"
FIGURES = PAGE.parent / "figures"
TABLE = "<!-- table, by make_gallery.py -->\n"
SIZE = 14
TINY = 1e-12  # what is darkest in the picture of the blocks
COLOURS = "cividis"  # the same order of brightness for colour-blind readers and on grey prints
STEP = 19  # prime to the numbers of orbits: neighbouring orbits get different colours
ACCENT = LOOKS[1].colour


def orbits(path: Path) -> None:
    """Pixels coloured by orbit, one orbit marked."""
    figure, axes = panels(1, 3, size=(9.0, 3.6))
    groups = (
        ("rotations", lv.groups.image_rotations(SIZE)),
        ("rotations and reflections", lv.groups.image_dihedral(SIZE)),
        ("translations", lv.groups.image_translations(SIZE, SIZE)),
    )
    for place, (name, rep) in zip(axes, groups, strict=True):
        B = rep.invariant_basis()
        label = np.argmax(B != 0, axis=0)
        _image(place, label * STEP % len(B))
        marked = np.flatnonzero(label == label[3 * SIZE + 5])
        place.plot(marked % SIZE, marked // SIZE, "o", color=ACCENT, markersize=5, markeredgecolor="white")
        place.set_title(f"{name}\n{_count(len(B), 'orbit')}, {len(marked)} pixels in the marked one", fontsize=SMALL)
    save(figure, path)


def basis(path: Path) -> None:
    """Rows of the invariant basis as images."""
    figure, axes = panels(2, 4, size=(9.0, 4.8))
    chosen = (
        (lv.groups.image_rotations(SIZE), "C4", (2, 10, 27, 48)),
        (lv.groups.image_dihedral(SIZE), "D4", (2, 9, 13, 24)),
    )
    images = [(name, k, rep.invariant_basis()[k]) for rep, name, rows in chosen for k in rows]
    for place, (name, k, row) in zip(axes, images, strict=True):
        _image(place, row, vmin=0, vmax=0.5)
        place.set_title(f"{name}, row {k}: {np.count_nonzero(row)} pixels", fontsize=SMALL)
    colours = figure.colorbar(axes[0].images[0], ax=axes, shrink=0.75, pad=0.02, ticks=[0, 1 / np.sqrt(8), 0.5])
    colours.ax.set_yticklabels(["0", "1/√8", "1/2"], fontsize=SMALL)
    save(figure, path)


def blocks(path: Path) -> None:
    """S̄ in pixels and in the symmetry-adapted basis, entries on a logarithmic scale."""
    rep = lv.groups.image_rotations(SIZE)
    X = smooth_images(1000)
    S = rep.average_moment(lv.Moments.from_data(X, X).xx)
    parts = lv.groups.isotypic(rep)
    Q = parts.basis
    sizes = [len(part.basis) for part in parts.components]
    figure, axes = panels(1, 2, size=(7.5, 3.5))
    split = Q @ S @ Q.T
    for place, M in zip(axes, (S, split), strict=True):
        decades = np.log10(np.maximum(np.abs(M) / np.abs(S).max(), TINY))
        _image(place, np.round(2 * decades) / 2, len(S), vmin=np.log10(TINY), vmax=0)  # in steps: half the file
    off = np.abs(np.where(block_diag(*(np.ones((size, size)) for size in sizes)), 0, split)).max() / np.abs(S).max()
    if off > TINY:
        raise AssertionError(f"The blocks leak: {off:.1e} of the largest entry.")
    axes[0].set_title("before: pixel by pixel", fontsize=TEXT)
    axes[1].set_title(f"after: blocks {' + '.join(map(str, sizes))}", fontsize=TEXT)
    for end in np.cumsum(sizes)[:-1] - 0.5:
        axes[1].axhline(end, color=ACCENT, linewidth=0.8)
        axes[1].axvline(end, color=ACCENT, linewidth=0.8)
    colours = figure.colorbar(axes[0].images[0], ax=axes, shrink=0.85, pad=0.02, extend="min")
    colours.set_label("log10 of |entry| / largest entry", fontsize=SMALL)
    save(figure, path)


def smooth_images(count: int) -> np.ndarray:
    """White noise (count, 14²), smoothed over 1.5 pixels and lit from the upper left."""
    noise = np.random.default_rng(0).standard_normal((count, SIZE, SIZE))
    light = np.add.outer(np.linspace(2, 0, SIZE), np.linspace(1, 0, SIZE))
    return (gaussian_filter(noise, (0, 1.5, 1.5)) * (0.2 + light)).reshape(count, -1)


def table() -> str:
    """Dimensions counted twice, by orbitals and by irreducible parts, beside the known ones."""
    image = f"{SIZE} x {SIZE} images"
    cases = (
        ("S_6", "R^6", lv.groups.symmetric(6), 1, 2),
        ("S_4", "4 x 4 matrices", lv.groups.adjacency(4), 2, 15),
        ("S_6", "6 x 6 matrices", lv.groups.adjacency(6), 2, 15),
        ("C_8", "R^8, shifts", lv.groups.cyclic(8), 1, 8),
        ("D_8", "R^8, shifts and reflection", lv.groups.dihedral(8), 1, 5),
        ("C_4", image, lv.groups.image_rotations(SIZE), 49, 9604),
        ("D_4", image, lv.groups.image_dihedral(SIZE), 28, 4851),
        ("Z_14 x Z_14", image, lv.groups.image_translations(SIZE, SIZE), 1, 196),
        ("hyperoctahedral", "R^4", lv.groups.hypercube(4), 0, 1),
        ("Q_8, quaternions", "R^4", lv.groups.matrices(_quaternions()), 0, 4),
        ("SO(3)", "R^3", lv.groups.rotations(3), 0, 1),
        ("S_4 x SO(3)", "4 points in R^3", lv.groups.point_cloud(4), 0, 2),
    )
    lines = [
        "| group | acts on | order | invariants | commutant, by orbitals | by irreducible parts | irreducible parts |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for group, space, rep, invariants, commutant in cases:
        parts = lv.groups.isotypic(rep)
        orbitals = rep.number_of_orbitals() if isinstance(rep, lv.groups.Permutations) else None
        found = len(rep.invariant_basis()), parts.commutant_dimension, commutant if orbitals is None else orbitals
        if found != (invariants, commutant, commutant):
            raise AssertionError(f"{group} on {space}: {found}, known are {invariants} and {commutant}.")
        numbers = (_order(rep), invariants, "" if orbitals is None else orbitals, parts.commutant_dimension)
        lines.append(f"| {group} | {space} | {' | '.join(map(str, numbers))} | {_irreducible(parts)} |")
    return "\n".join(lines) + "\n"


def _quaternions() -> np.ndarray:
    """Left multiplication by i and j on the quaternions 1, i, j, k."""
    i = [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]]
    j = [[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]]
    return np.array([i, j], dtype=np.float64)


def _irreducible(parts: lv.groups.IsotypicDecomposition) -> str:
    """Such as `49 of R^1, 49 of R^2 (complex)`; alike ones are counted."""
    kinds: dict[tuple[int, int, str], int] = {}
    for part in parts.components:
        kind = (part.multiplicity, part.dimension, part.type)
        kinds[kind] = kinds.get(kind, 0) + 1
    words = (
        f"{f'{count} x ' if count > 1 else ''}{copies}·R^{size}{'' if of == 'real' else f' {of}'}"
        for (copies, size, of), count in kinds.items()
    )
    return ", ".join(words)


def _order(rep: lv.groups.Representation) -> str:
    order = rep.order()
    return "infinite" if order == float("inf") else f"{order}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _image(axes, values: np.ndarray, size: int = SIZE, **scale: float) -> None:
    axes.imshow(values.reshape(size, -1), cmap=COLOURS, interpolation="nearest", **scale)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])


def main() -> None:
    """Write the pictures, and the table into the page."""
    drawings: tuple[Callable[[Path], None], ...] = (orbits, basis, blocks)
    for draw in drawings:
        draw(FIGURES / f"gallery_{draw.__name__}.png")
    before, _, after = PAGE.read_text().split(TABLE)
    PAGE.write_text(f"{before}{TABLE}{table()}{TABLE}{after}")


if __name__ == "__main__":
    main()
