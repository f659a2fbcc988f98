"""Descent on the layers of networks, and what it leaves behind."""

from .descent import Batches, Record, train
from .optimizers import Adam, GradientDescent
from .trace import Trace

__all__ = ["Adam", "Batches", "GradientDescent", "Record", "Trace", "train"]
