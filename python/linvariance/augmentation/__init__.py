"""What augmentation by less than the whole group costs: by random elements (`shared`), by any law (`departure`)."""

from .budgets import per_sample, shared, without_replacement
from .departure import Departure, departure
from .mixing import Mixing, mixing

__all__ = ["Departure", "Mixing", "departure", "mixing", "per_sample", "shared", "without_replacement"]


def __dir__() -> list[str]:
    return __all__
