"""All subgroups of a small group, up to conjugacy: candidates for a symmetry that data may have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..arrays import integer
from .closures import EPS
from .matrices import Conjugated, Matrices
from .permutations import Permutations
from .representation import Elements, Representation, check_representation

LIMIT = 200  # elements
CLASSES = 1000  # of conjugate subgroups

Members = npt.NDArray[np.bool_]


def subgroups(rep: Representation, *, conjugates: bool = False, limit: int = LIMIT) -> tuple[Representation, ...]:
    """The subgroups of a finite group by order, from the trivial one to `rep` itself, one of each conjugacy class.

    Conjugate subgroups act alike but for a change of basis by an element of the group. As hypotheses on data they
    differ, two reflections of an image for example: `conjugates=True` lists all of them. The number of classes is that
    of conjugate subgroups of the group of matrices ρ(g).

    Args:
        rep: at most `limit` elements, which are enumerated.
        conjugates: whether to list every subgroup.
        limit: largest order.

    Raises:
        ValueError: for a group of more elements, or of more than 1,000 classes of subgroups.

    >>> from linvariance.groups import image_dihedral, symmetric
    >>> len(subgroups(symmetric(4))), len(subgroups(symmetric(4), conjugates=True))
    (11, 30)
    >>> [H.order() for H in subgroups(image_dihedral(4))]
    [1, 2, 2, 2, 4, 4, 4, 8]
    """
    check_representation(rep)
    if not isinstance(conjugates, bool):
        raise TypeError(f"conjugates must be True or False, but is {conjugates!r:.60}.")
    elements = _elements(rep, integer(limit, "limit"))
    product = _product_table(rep, elements)
    found = [H for orbit in _classes(product, repr(rep)) for H in (orbit if conjugates else orbit[:1])]
    return tuple(_restricted(rep, elements, product, H, k) for k, H in enumerate(found))


def _elements(rep: Representation, limit: int) -> Elements:
    try:
        return rep.elements(limit)
    except ValueError:
        raise ValueError(
            f"rep has more than {limit} elements, {rep!r}: to list subgroups they are enumerated. Choose candidates by "
            "groups.subgroup, or pass a larger limit."
        ) from None


def _product_table(rep: Representation, elements: Elements) -> npt.NDArray[np.int64]:
    """Number of ρ(g)ρ(h) for numbers of g and h: recognised by what it does to one row in general position."""
    row = np.random.default_rng(0).standard_normal(rep.dim)
    moved = np.stack([rep.multiply(row, g) for g in elements])
    table = np.empty((len(elements), len(elements)), dtype=np.int64)
    for h, element in enumerate(elements):
        apart = np.square(rep.multiply(moved, element)[:, None, :] - moved).sum(axis=2)
        table[:, h] = apart.argmin(axis=1)
    return table


def _classes(product: npt.NDArray[np.int64], what: str) -> list[list[Members]]:
    """Conjugacy classes of subgroups, by order: each subgroup is one of smaller order with an element added."""
    start = np.zeros(len(product), dtype=bool)
    start[_identity(product)] = True
    conjugation = _conjugation(product)
    classes, seen = [[start]], {start.tobytes()}
    for orbit in classes:  # grows while it is walked
        for H in _extensions(orbit[0], product):
            if H.tobytes() in seen:
                continue
            if len(classes) == CLASSES:
                raise ValueError(
                    f"rep has more than {CLASSES:,} classes of subgroups, {what}: choose some by subgroup."
                )
            conjugates = np.unique(np.stack([_image(H, row) for row in conjugation]), axis=0)
            classes.append([H, *(K for K in conjugates if not (K == H).all())])
            seen.update(K.tobytes() for K in classes[-1])
    return sorted(classes, key=lambda orbit: (int(orbit[0].sum()), len(orbit)))


def _extensions(H: Members, product: npt.NDArray[np.int64]) -> Iterator[Members]:
    """<H, g> for one g of every coset of H."""
    tried, inside = H.copy(), np.flatnonzero(H)
    while not tried.all():
        g = int(tried.argmin())
        tried[product[g, inside]] = True
        yield _closure(np.append(inside, g), product)


def _closure(generators: npt.NDArray[np.int64], product: npt.NDArray[np.int64]) -> Members:
    """All products; in a finite group no inverses are needed."""
    members = np.zeros(len(product), dtype=bool)
    members[generators] = True
    while True:
        inside = np.flatnonzero(members)
        members[product[np.ix_(inside, inside)]] = True
        if members.sum() == len(inside):
            return members


def _conjugation(product: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Number of g⁻¹hg at [g, h]."""
    inverse = (product == _identity(product)).argmax(axis=1)
    return np.stack([product[product[inverse[g]], g] for g in range(len(product))])


def _identity(product: npt.NDArray[np.int64]) -> int:
    return int((product.diagonal() == np.arange(len(product))).argmax())


def _image(H: Members, permutation: npt.NDArray[np.int64]) -> Members:
    moved = np.zeros_like(H)
    moved[permutation[H]] = True
    return moved


def _restricted(
    rep: Representation, elements: Elements, product: npt.NDArray[np.int64], H: Members, place: int
) -> Representation:
    order = int(H.sum())
    if order == len(elements):
        return rep
    chosen = elements[_generators(H, product)]
    name = f"subgroup {place} of {rep!r}, order {order}"
    if isinstance(rep, Permutations):
        images, signs = (chosen, None) if rep.signs is None else (chosen[:, 0], chosen[:, 1])
        return Permutations(images, signs, order=order, name=name)
    if isinstance(rep, Conjugated):
        base, T = rep.orthogonal_form
        return Conjugated(_restricted(base, base.elements(), product, H, place), T)
    return Matrices(chosen, order=order, name=name, rounding=getattr(rep, "rounding", EPS))


def _generators(H: Members, product: npt.NDArray[np.int64]) -> list[int]:
    """Few: each in turn adds as much as any can."""
    found = [_identity(product)]
    inside = _closure(np.array(found), product)
    while inside.sum() < H.sum():
        spans = {g: _closure(np.array([*found, g]), product) for g in np.flatnonzero(H & ~inside).tolist()}
        best = max(spans, key=lambda g: (int(spans[g].sum()), -g))
        inside, found = spans[best], [*found, best]
    return found[1:] or found
