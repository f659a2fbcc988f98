"""What ends runs before their last epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import _core
from ..arrays import real


@dataclass(frozen=True)
class Until:
    """A run stops at the first epoch e, a multiple of Record.every, in which one of these holds.

    Each by itself, while the others go on; `Trace.ends` tells where.

    Rules look at recorded epochs alone: what holds only between two of them stops no run, and one may go on for up to
    Record.every - 1 epochs, by default 9, after a rule first held. Record(every=1) looks at each epoch, which on
    Samples in batches, whose steps see no loss of all data, is another pass each.

    Args:
        loss: f_e <= loss.
        gradient_norm: ‖(G_1, ..., G_L)‖ <= gradient_norm, of the loss by all layers, on all data, without weight decay.
        relative_change: |f_e - f_before| <= relative_change·|f_before|, over the Record.every epochs before.

    >>> import linvariance as lv
    >>> p = lv.unconstrained(lv.Moments.from_data([[1.0]], [[3.0]]), rank=1)
    >>> trace = lv.train(p, epochs=10**6, optimizer=lv.GradientDescent(0.02), until=Until(loss=1e-6))
    >>> bool(trace.loss[-1] <= 1e-6 < trace.loss[-2]), int(trace.epochs[-1]) < 1000
    (True, True)
    """

    loss: float | None = None
    gradient_norm: float | None = None
    relative_change: float | None = None

    def __post_init__(self) -> None:
        if all(rule is None for rule in (self.loss, self.gradient_norm, self.relative_change)):
            raise ValueError("Until() names no rule: pass loss, gradient_norm or relative_change.")
        for name in ("gradient_norm", "relative_change"):
            if getattr(self, name) is not None:
                real(getattr(self, name), name)
        if self.loss is not None:
            real(self.loss, "loss", minimum=-math.inf)

    def core(self) -> _core.Until:
        """As the C++ core takes it."""
        return _core.Until(
            *(math.nan if r is None else r for r in (self.loss, self.gradient_norm, self.relative_change))
        )


NEVER = _core.Until(math.nan, math.nan, math.nan)
