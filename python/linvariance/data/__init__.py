"""Data objects: second moments for squared losses, samples for the others."""

from .moments import Moments
from .samples import Samples

__all__ = ["Moments", "Samples"]
