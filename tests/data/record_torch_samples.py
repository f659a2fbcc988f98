"""Records torch_samples.npz: mini-batches with momentum by PyTorch itself on literally augmented images, float64.

Run once, after `pip install torch==2.13.0 numpy`, by `python tests/data/record_torch_samples.py`; the suite only reads
the result.
Losses are written as a PyTorch user writes them, with mean reduction. The order of the rows is the one that
linvariance.Batches documents: permutations by numpy's default_rng([seed, 1]), row k being turn k // n of image k % n.
"""

import itertools
import math
from pathlib import Path

import numpy as np
import torch

SIDE, SAMPLES, OUTPUTS = 4, 9, 3
EPOCHS, SIZE, LR, MOMENTUM, SEED = 25, 10, 0.05, 0.9, 7  # 4 steps an epoch, the last one of 6 rows: 100 steps
NETWORKS = {
    "cross_entropy_identity": (torch.nn.Identity(), torch.nn.CrossEntropyLoss(), 2),
    "squared_tanh": (torch.nn.Tanh(), torch.nn.MSELoss(), 3),
    "squared_leaky_relu": (torch.nn.LeakyReLU(), torch.nn.MSELoss(), 3),
}


def train(X, targets, start, activation, criterion):
    """The states of (W_1, W_2) before each epoch and after the last."""
    weights = [w.clone().requires_grad_() for w in start]
    rule = torch.optim.SGD(weights, lr=LR, momentum=MOMENTUM)
    generator = np.random.default_rng([SEED, 1])
    states = [[w.detach().numpy().copy() for w in weights]]
    for _ in range(EPOCHS):
        for rows in torch.from_numpy(generator.permutation(len(X))).split(SIZE):
            rule.zero_grad()
            criterion(activation(X[rows] @ weights[0].T) @ weights[1].T, targets[rows]).backward()
            rule.step()
        states.append([w.detach().numpy().copy() for w in weights])
    return states


def main():
    torch.manual_seed(SEED)
    images = torch.rand(SAMPLES, SIDE, SIDE, dtype=torch.float64)
    Y, labels = torch.randn(SAMPLES, OUTPUTS, dtype=torch.float64), torch.arange(SAMPLES) % OUTPUTS
    augmented = torch.cat([torch.rot90(images, k, dims=(1, 2)).flatten(1) for k in range(4)])
    out = {"X": images.flatten(1).numpy(), "Y": Y.numpy(), "labels": labels.numpy(), "torch": torch.__version__}
    out |= {"epochs": EPOCHS, "size": SIZE, "lr": LR, "momentum": MOMENTUM, "seed": SEED}
    for name, (activation, criterion, hidden) in NETWORKS.items():
        targets = (labels if name.startswith("cross") else Y).repeat(4, *[1] * (not name.startswith("cross")))
        widths = (SIDE * SIDE, hidden, OUTPUTS)
        start = [(2 * torch.rand(b, a, dtype=torch.float64) - 1) / math.sqrt(a) for a, b in itertools.pairwise(widths)]
        states = train(augmented, targets, start, activation, criterion)
        for layer in range(2):
            out[f"{name}_W{layer + 1}"] = np.stack([state[layer] for state in states])
    np.savez_compressed(Path(__file__).with_name("torch_samples.npz"), **out)


if __name__ == "__main__":
    main()
