"""Groups acting linearly on R^d0: representations given by generators, named or the user's own."""

from .named import cyclic, dihedral, image_dihedral, image_rotations, image_translations, symmetric, trivial
from .permutations import Permutations, permutations
from .representation import Representation

__all__ = [
    "Permutations",
    "Representation",
    "cyclic",
    "dihedral",
    "image_dihedral",
    "image_rotations",
    "image_translations",
    "permutations",
    "symmetric",
    "trivial",
]
