"""What gradient descent does and why: the flow it follows, the saddles it visits, what it conserves, how long it takes.

All of it holds for every problem with second moments. Norms of maps are those of Frobenius unless said otherwise.
"""

from .conservation import balancedness, first_layer_perp, stable_step
from .flow import Flow, gradient_flow
from .modes import TimeScales, time_scales
from .stays import NEAR, Stay, Visits, visits

__all__ = [
    "NEAR",
    "Flow",
    "Stay",
    "TimeScales",
    "Visits",
    "balancedness",
    "first_layer_perp",
    "gradient_flow",
    "stable_step",
    "time_scales",
    "visits",
]


def __dir__() -> list[str]:
    return __all__
