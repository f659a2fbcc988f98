"""Groups acting linearly on R^d0: representations given by generators, named or the user's own."""

from .combine import change_of_basis, direct_sum, dual, subgroup, tensor_product
from .matrices import Conjugated, Matrices, lie, matrices
from .named import (
    adjacency,
    channels,
    cyclic,
    dihedral,
    hypercube,
    image_dihedral,
    image_rotations,
    image_translations,
    point_cloud,
    reversal,
    rotations,
    symmetric,
    trivial,
)
from .permutations import Permutations, permutations, signed_permutations
from .representation import Representation

__all__ = [
    "Conjugated",
    "Matrices",
    "Permutations",
    "Representation",
    "adjacency",
    "change_of_basis",
    "channels",
    "cyclic",
    "dihedral",
    "direct_sum",
    "dual",
    "hypercube",
    "image_dihedral",
    "image_rotations",
    "image_translations",
    "lie",
    "matrices",
    "permutations",
    "point_cloud",
    "reversal",
    "rotations",
    "signed_permutations",
    "subgroup",
    "symmetric",
    "tensor_product",
    "trivial",
]
