"""The landscape: critical points in function space, networks at them, what a network is, and the way off a saddle."""

from .degeneracy import Nullity, nullity
from .points import CriticalPoint, CriticalPoints, Triples, critical_points, lower_rank_points
from .saddles import Classification, Escape, classify, escape, loss_along, network_at

__all__ = [
    "Classification",
    "CriticalPoint",
    "CriticalPoints",
    "Escape",
    "Nullity",
    "Triples",
    "classify",
    "critical_points",
    "escape",
    "loss_along",
    "lower_rank_points",
    "network_at",
    "nullity",
]
