"""Networks: layers, activations, initializations."""

from . import init
from .network import Network, network_loss, predictor, value_and_gradient

__all__ = ["Network", "init", "network_loss", "predictor", "value_and_gradient"]
