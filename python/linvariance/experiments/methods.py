"""The methods that the figures compare: one line each for its name, its look and the problem it poses."""

from collections.abc import Callable
from dataclasses import dataclass, field

import linvariance as lv
from linvariance.experiments.protocol import PROTOCOLS, Protocol
from linvariance.plots import LOOKS, Look

Data = lv.Moments | lv.Samples

STRENGTHS = tuple(dict.fromkeys(strength for protocol in PROTOCOLS for strength in protocol.strengths))
"""Every λ of the figures: each looks the same in all of them."""


@dataclass(frozen=True)
class Method:
    """A name for files, a label and a look for pictures, and how the method turns data into a problem."""

    name: str
    label: str
    look: Look
    pose: Callable[[Data, lv.groups.Representation, Protocol], lv.Problem] = field(compare=False, repr=False)


HARD_WIRED = Method(
    "hard-wired", "hard-wired", LOOKS[0], lambda data, rep, protocol: lv.hard_wired(data, rep, rank=protocol.rank)
)
AUGMENTED = Method(
    "augmented", "augmented", LOOKS[1], lambda data, rep, protocol: lv.augmented(data, rep, rank=protocol.rank)
)


def regularized(figure_strength: float) -> Method:
    """Regularization with a λ in the figures' scale.

    >>> regularized(0.01).name
    'regularized 0.01'
    """

    def pose(data: Data, rep: lv.groups.Representation, protocol: Protocol) -> lv.Problem:
        return lv.regularized(data, rep, rank=protocol.rank, strength=protocol.strength(figure_strength))

    look = LOOKS[2 + STRENGTHS.index(figure_strength)]
    return Method(f"regularized {figure_strength:g}", f"regularized, λ = {figure_strength:g}", look, pose)


def learned(protocol: Protocol) -> tuple[Method, ...]:
    """The methods that have to learn invariance: augmentation, and regularization with each λ of the protocol."""
    return AUGMENTED, *map(regularized, protocol.strengths)
