"""Schur's lemma for two representations: an equivariant map is a matrix over R, C or H for each irreducible of both."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..arrays import Array
from .combine import direct_sum
from .isotypic import DIVISION_ALGEBRAS, Component, isotypic
from .representation import Representation


@dataclass(frozen=True, eq=False)
class Irreducible:
    """An irreducible representation with its copies in inputs and outputs, in bases in which all of them act alike.

    Attributes:
        dimension: d, over the reals.
        algebra: e = 1, 2 or 4, the real dimension of its endomorphisms R, C or H; see `division`.
        inputs: (copies·d, d0), orthonormal rows.
        outputs: (copies·d, dL), orthonormal rows.
    """

    dimension: int
    algebra: int
    inputs: Array = field(repr=False)
    outputs: Array = field(repr=False)


def irreducibles(rep: Representation, output: Representation, seed: int = 0) -> list[Irreducible]:
    """All irreducibles of two orthogonal representations of one group: the isotypic components of their direct sum."""
    if rep == output:
        return [_irreducible(part, part.basis, part.basis) for part in isotypic(rep, seed).components]
    found = []
    for part in isotypic(direct_sum(output, rep), seed).components:
        copies = part.basis.reshape(part.multiplicity, part.dimension, -1)
        # No copy has entries on both sides: coordinates that the group does not mix are decomposed apart.
        of_output = np.abs(copies[:, :, : output.dim]).max(axis=(1, 2), initial=0.0) > 0
        inputs = copies[~of_output][:, :, output.dim :].reshape(-1, rep.dim)
        outputs = copies[of_output][:, :, : output.dim].reshape(-1, output.dim)
        found.append(_irreducible(part, inputs, outputs))
    return found


def _irreducible(part: Component, inputs: Array, outputs: Array) -> Irreducible:
    return Irreducible(part.dimension, DIVISION_ALGEBRAS[part.type], inputs, outputs)
