"""Networks: layers, activations, initializations."""

from . import init
from .network import Network, network_loss, predictor

__all__ = ["Network", "init", "network_loss", "predictor"]
