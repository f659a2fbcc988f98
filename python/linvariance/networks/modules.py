"""Networks as PyTorch modules, and back. PyTorch is imported here only, when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .activations import LEAK

NAMES = {  # PyTorch's, and ours
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "SiLU": "swish",
    "Tanh": "tanh",
    "GELU": "gelu",
}


def module_of(weights: Sequence[npt.NDArray[Any]], biases: Sequence[npt.NDArray[Any]], activation: str) -> Any:
    """Sequential(Linear, φ, ..., Linear), with copies of the weights and biases."""
    torch = _torch("Network.to_torch")
    phi = {ours: theirs for theirs, ours in NAMES.items()}.get(activation)
    parts: list[Any] = []
    for j, W in enumerate(weights):
        if parts and phi is not None:
            parts.append(getattr(torch.nn, phi)(*([LEAK] if phi == "LeakyReLU" else [])))
        layer = torch.nn.utils.skip_init(torch.nn.Linear, 1, 1, bias=False)  # draws nothing, and takes a width of 0
        layer.weight = torch.nn.Parameter(torch.tensor(np.array(W)))
        if biases:
            layer.bias = torch.nn.Parameter(torch.tensor(np.array(biases[j])))
        layer.out_features, layer.in_features = W.shape
        parts.append(layer)
    return torch.nn.Sequential(*parts)


def layers_of(module: object) -> tuple[list[npt.NDArray[Any]], str, list[npt.NDArray[Any]] | None]:
    """[W_1, ..., W_L], the name of φ, and [b_1, ..., b_L]; a sentence names the part that no Network has."""
    torch = _torch("Network.from_torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Sequential of Linear layers, but is {type(module).__name__}.")
    weights: list[npt.NDArray[Any]] = []
    biases: list[npt.NDArray[Any]] = []
    after: list[str] = []  # what comes between a layer and the next
    for name, part in _parts(torch, module, "module"):
        if type(part) is torch.nn.Linear:
            weights.append(_entries(torch, part.weight))
            if part.bias is not None:
                biases.append(_entries(torch, part.bias))
            if len(biases) not in (0, len(weights)):
                raise ValueError(
                    f"{name} and those before differ in bias=: a Network has biases in all layers or none."
                )
            after.append("identity")
        elif part is module:
            raise ValueError(f"{name} is no Sequential of Linear layers: pass Sequential(m.first, ReLU(), m.second).")
        elif not after or after[-1] != "identity":
            raise ValueError(f"{name} does not follow a Linear layer: one activation lies between two of them.")
        else:
            after[-1] = _activation(part, name)
    if not weights:
        raise ValueError("module holds no Linear layer.")
    if after.pop() != "identity":
        raise ValueError("module ends in an activation, but the last layer of a Network is linear: leave it out.")
    if len(set(after)) > 1:
        raise ValueError(
            f"module has {' and '.join(sorted(set(after)))} between its layers: a Network has one everywhere."
        )
    return weights, after[0] if after else "identity", biases or None


def _parts(torch: Any, module: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(module, torch.nn.Sequential):
        for key, child in module.named_children():
            yield from _parts(torch, child, f"{name}[{key}]")
    elif type(module) is not torch.nn.Identity:
        yield f"{name} ({type(module).__name__})", module


def _entries(torch: Any, parameter: Any) -> npt.NDArray[Any]:
    W = parameter.detach().cpu()
    found: npt.NDArray[Any] = (W if W.dtype in (torch.float32, torch.float64) else W.double()).numpy()
    return found


def _activation(part: Any, name: str) -> str:
    found = NAMES.get(type(part).__name__)
    if found is None:
        raise ValueError(f"{name} is in no Network: it is Linear layers and one of {', '.join(NAMES)}.")
    if found == "leaky_relu" and part.negative_slope != LEAK:
        raise ValueError(f"{name} has the slope {part.negative_slope:g}, and a Network's is {LEAK:g}.")
    if found == "gelu" and part.approximate != "none":
        raise ValueError(f"{name} approximates by {part.approximate}, and a Network's is exact: approximate='none'.")
    return found


def _torch(who: str) -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError(f"{who} needs PyTorch: pip install torch.") from None
    return torch
