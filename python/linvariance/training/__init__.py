"""Descent on the layers of networks, and what it leaves behind."""

from . import rates
from .batches import Batches
from .descent import resume, train
from .optimizers import Adam, AdamW, GradientDescent, RMSprop
from .record import Record
from .trace import Trace
from .until import Until

__all__ = [
    "Adam",
    "AdamW",
    "Batches",
    "GradientDescent",
    "RMSprop",
    "Record",
    "Trace",
    "Until",
    "rates",
    "resume",
    "train",
]
