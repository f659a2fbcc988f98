"""Records torch_adam.npz: the three methods trained by PyTorch itself, float64, 200 steps, weights every 20.

And torch_decay.npz: the first of them with weight decay of each kind, in float64 and float32; torch_rules.npz: with
other optimizers and learning-rate schedules.

Run once, after `pip install torch==2.13.0 numpy`, by `python tests/data/record_torch_trajectory.py`; the suite only
reads the result.
Loss and penalty are written as a PyTorch user writes them: MSELoss with mean reduction, the augmented set built
image by image, the penalty λ‖WG‖² added. The package's losses are dL times these.
"""

import itertools
import math
from pathlib import Path

import numpy as np
import torch

SIDE, SAMPLES, OUTPUTS, HIDDEN, STRENGTH = 4, 12, 3, 2, 0.05
EPOCHS, EVERY, SEED = 200, 20, 20250613
OPTIMIZERS = {
    # eps far above its default, so that a wrong conversion of it shows
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-2, eps=1e-4),
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
}
DECAY = {
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-2, eps=1e-4, weight_decay=0.03),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=1e-2, eps=1e-4, weight_decay=0.3),
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.03),
}
RULES = {
    "nesterov": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.03, nesterov=True),
    # at three times the rate it bounces about the minimum, where rounding is divided by rounding
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=1e-3, eps=1e-4, weight_decay=0.03),
    "centered": lambda parameters: torch.optim.RMSprop(
        parameters, lr=3e-3, alpha=0.9, eps=1e-2, momentum=0.5, centered=True
    ),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=1e-2, eps=1e-4),
    "step": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "exponential": lambda parameters: torch.optim.Adam(parameters, lr=1e-2, eps=1e-4),
    "cosine": lambda parameters: torch.optim.AdamW(parameters, lr=1e-2, eps=1e-4, weight_decay=0.3),
    "warm up": lambda parameters: torch.optim.AdamW(parameters, lr=1e-2, eps=1e-4, weight_decay=0.3),
}
SCHEDULES = {  # of those above that have one, each
    "step": (lambda rule: torch.optim.lr_scheduler.StepLR(rule, step_size=30, gamma=0.5),),
    "exponential": (lambda rule: torch.optim.lr_scheduler.ExponentialLR(rule, gamma=0.98),),
    "cosine": (lambda rule: torch.optim.lr_scheduler.CosineAnnealingLR(rule, T_max=EPOCHS, eta_min=1e-4),),
    "warm up": (
        lambda rule: torch.optim.lr_scheduler.LinearLR(rule, start_factor=0.1, total_iters=25),
        lambda rule: torch.optim.lr_scheduler.ExponentialLR(rule, gamma=0.98),
    ),
}


def data():
    """Images whose four corners are zero, as in rotated digits, and targets without any symmetry."""
    torch.manual_seed(SEED)
    images = torch.rand(SAMPLES, SIDE, SIDE, dtype=torch.float64)
    images[:, :: SIDE - 1, :: SIDE - 1] = 0
    return images, torch.randn(SAMPLES, OUTPUTS, dtype=torch.float64)


def orbit_basis():
    """Orthonormal rows that span the images fixed by a quarter turn."""
    rows = []
    for i in range(SIDE * SIDE):
        image = torch.zeros(SIDE, SIDE, dtype=torch.float64)
        image.view(-1)[i] = 1
        mean = sum(torch.rot90(image, k) for k in range(4)).flatten()
        if int(mean.nonzero()[0]) == i:  # once for each orbit
            rows.append(mean / mean.norm())
    return torch.stack(rows)


def defect():
    """G = I - rho for the quarter turn."""
    turn = torch.stack([torch.rot90(e.view(SIDE, SIDE)).flatten() for e in torch.eye(SIDE**2, dtype=torch.float64)])
    return torch.eye(SIDE**2, dtype=torch.float64) - turn.T


def train(X, Y, start, rule, penalty=None, schedules=()):
    """The states of (W_1, W_2) after 0, EVERY, ..., EPOCHS steps."""
    weights = [w.clone().requires_grad_() for w in start]
    step = rule(weights)
    schedules = [schedule(step) for schedule in schedules]
    criterion = torch.nn.MSELoss()
    states = [[w.detach().numpy().copy() for w in weights]]
    for epoch in range(1, EPOCHS + 1):
        step.zero_grad()
        loss = criterion(X @ weights[0].T @ weights[1].T, Y)
        if penalty is not None:
            loss = loss + STRENGTH * torch.sum((weights[1] @ weights[0] @ penalty) ** 2)
        loss.backward()
        step.step()
        for schedule in schedules:
            schedule.step()
        if epoch % EVERY == 0:
            states.append([w.detach().numpy().copy() for w in weights])
    return states


def main():
    images, Y = data()
    X, B = images.flatten(1), orbit_basis()
    augmented = torch.cat([torch.rot90(images, k, dims=(1, 2)).flatten(1) for k in range(4)])
    methods = {
        "augmented": (augmented, Y.repeat(4, 1), None),
        "hard_wired": (X @ B.T, Y, None),
        "regularized": (X, Y, defect()),
    }
    out = {
        "X": X.numpy(),
        "Y": Y.numpy(),
        "B": B.numpy(),
        "strength": STRENGTH,
        "every": EVERY,
        "epochs": EPOCHS,
        "adam_lr": 1e-2,
        "adam_eps": 1e-4,
        "sgd_lr": 0.1,
        "sgd_momentum": 0.9,
        "torch": torch.__version__,
    }
    for method, (inputs, targets, penalty) in methods.items():
        widths = (inputs.shape[1], HIDDEN, OUTPUTS)
        start = [(2 * torch.rand(b, a, dtype=torch.float64) - 1) / math.sqrt(a) for a, b in itertools.pairwise(widths)]
        for optimizer in OPTIMIZERS:
            states = train(inputs, targets, start, OPTIMIZERS[optimizer], penalty)
            for layer in range(len(start)):
                out[f"{method}_{optimizer}_W{layer + 1}"] = np.stack([state[layer] for state in states])
    np.savez_compressed(Path(__file__).with_name("torch_adam.npz"), **out)
    record_decay(images.flatten(1), augmented, Y)
    record_rules(images.flatten(1), augmented, Y)


def record_decay(X, augmented, Y):
    """On the augmented images; starts are PyTorch's own draws, as above."""
    widths = (X.shape[1], HIDDEN, OUTPUTS)
    start = [(2 * torch.rand(b, a, dtype=torch.float64) - 1) / math.sqrt(a) for a, b in itertools.pairwise(widths)]
    out = {"X": X.numpy(), "Y": Y.numpy(), "every": EVERY, "epochs": EPOCHS, "torch": torch.__version__}
    for kind in (torch.float64, torch.float32):
        inputs, targets, first = augmented.to(kind), Y.repeat(4, 1).to(kind), [w.to(kind) for w in start]
        for name, rule in DECAY.items():
            states = train(inputs, targets, first, rule)
            for layer in range(len(start)):
                key = f"{name}_{str(kind).removeprefix('torch.')}_W{layer + 1}"
                out[key] = np.stack([state[layer] for state in states])
    np.savez_compressed(Path(__file__).with_name("torch_decay.npz"), **out)


def record_rules(X, augmented, Y):
    """On the augmented images, from a start of their own."""
    torch.manual_seed(SEED + 1)
    widths = (X.shape[1], HIDDEN, OUTPUTS)
    start = [(2 * torch.rand(b, a, dtype=torch.float64) - 1) / math.sqrt(a) for a, b in itertools.pairwise(widths)]
    out = {"X": X.numpy(), "Y": Y.numpy(), "every": EVERY, "epochs": EPOCHS, "torch": torch.__version__}
    for name, rule in RULES.items():
        states = train(augmented, Y.repeat(4, 1), start, rule, schedules=SCHEDULES.get(name, ()))
        for layer in range(len(start)):
            out[f"{name}_W{layer + 1}"] = np.stack([state[layer] for state in states])
    np.savez_compressed(Path(__file__).with_name("torch_rules.npz"), **out)


if __name__ == "__main__":
    main()
