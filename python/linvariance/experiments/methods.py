"""The methods that the figures compare: one line each for its name, its look and the problem it poses."""

from collections.abc import Callable
from dataclasses import dataclass, field

import linvariance as lv
from linvariance.experiments.protocol import Protocol
from linvariance.plots import LOOKS, Look


@dataclass(frozen=True)
class Method:
    """A name for files, a label and a look for pictures, and how the method turns moments into a problem."""

    name: str
    label: str
    look: Look
    pose: Callable[[lv.Moments, lv.groups.Representation, Protocol], lv.Problem] = field(compare=False, repr=False)


HARD_WIRED = Method(
    "hard-wired", "hard-wired", LOOKS[0], lambda m, rep, protocol: lv.hard_wired(m, rep, rank=protocol.rank)
)
AUGMENTED = Method(
    "augmented", "augmented", LOOKS[1], lambda m, rep, protocol: lv.augmented(m, rep, rank=protocol.rank)
)


def regularized(figure_strength: float, look: Look) -> Method:
    """Regularization with a λ in the figures' scale.

    >>> regularized(0.01, LOOKS[2]).name
    'regularized 0.01'
    """

    def pose(m: lv.Moments, rep: lv.groups.Representation, protocol: Protocol) -> lv.Problem:
        return lv.regularized(m, rep, rank=protocol.rank, strength=protocol.strength(figure_strength))

    return Method(f"regularized {figure_strength:g}", f"regularized, λ = {figure_strength:g}", look, pose)


def learned(protocol: Protocol) -> tuple[Method, ...]:
    """The methods that have to learn invariance: augmentation, and regularization with each λ of the protocol."""
    return AUGMENTED, *map(regularized, protocol.strengths, LOOKS[2:])
