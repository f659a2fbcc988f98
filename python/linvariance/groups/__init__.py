"""Groups acting linearly on R^d0: representations given by generators, named or the user's own."""

from .combine import change_of_basis, direct_sum, dual, subgroup, tensor_product
from .distributions import Distribution, heat_kernel, random_walk, sampled, uniform_turns, weighted
from .inspection import Check, Summary
from .intertwiners import intertwine, intertwiner_basis
from .isotypic import Component, IsotypicDecomposition, isotypic
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
from .subgroups import subgroups

__all__ = [
    "Check",
    "Component",
    "Conjugated",
    "Distribution",
    "IsotypicDecomposition",
    "Matrices",
    "Permutations",
    "Representation",
    "Summary",
    "adjacency",
    "change_of_basis",
    "channels",
    "cyclic",
    "dihedral",
    "direct_sum",
    "dual",
    "heat_kernel",
    "hypercube",
    "image_dihedral",
    "image_rotations",
    "image_translations",
    "intertwine",
    "intertwiner_basis",
    "isotypic",
    "lie",
    "matrices",
    "permutations",
    "point_cloud",
    "random_walk",
    "reversal",
    "rotations",
    "sampled",
    "signed_permutations",
    "subgroup",
    "subgroups",
    "symmetric",
    "tensor_product",
    "trivial",
    "uniform_turns",
    "weighted",
]


def __dir__() -> list[str]:
    return __all__
