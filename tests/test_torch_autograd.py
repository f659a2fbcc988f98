"""Networks on Samples, with biases and without, against PyTorch's autograd: values, slopes, curvature, 100 steps."""

import itertools

import numpy as np
import pytest

import linvariance as lv

torch = pytest.importorskip("torch")

REP = lv.groups.image_rotations(2)
WIDTHS = (4, 5, 3, 3)
PHI = {
    "identity": torch.nn.Identity(),
    "relu": torch.nn.ReLU(),
    "leaky_relu": torch.nn.LeakyReLU(),
    "swish": torch.nn.SiLU(),
    "tanh": torch.nn.Tanh(),
    "gelu": torch.nn.GELU(),
}
LOSSES = {
    "squared": lambda outputs, targets: (outputs - targets).square().sum(dim=1).mean(),
    "cross_entropy": torch.nn.functional.cross_entropy,
}
RULES = {
    "gradient descent": (lv.GradientDescent(0.05), lambda weights: torch.optim.SGD(weights, lr=0.05)),
    "Adam": (lv.Adam(0.01), lambda weights: torch.optim.Adam(weights, lr=0.01)),
}
both = pytest.mark.parametrize("loss", LOSSES)
every = pytest.mark.parametrize("activation", PHI)
with_and_without = pytest.mark.parametrize("biased", [False, True], ids=["plain", "biased"])
methods = pytest.mark.parametrize("method", ["unconstrained", "augmented", "convolutional"])


class Twin:
    """A problem with its network, and its loss as PyTorch writes it, on data augmented literally."""

    def __init__(self, method, loss, activation, biased):
        rng = np.random.default_rng(17)
        X = rng.standard_normal((30, 4))
        y = rng.integers(3, size=30) if loss == "cross_entropy" else rng.standard_normal((30, 3))
        data = lv.Samples(X, y, loss)
        self.problem = (
            lv.unconstrained(data, rank=3) if method == "unconstrained" else getattr(lv, method)(data, REP, rank=3)
        )
        draw = [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in itertools.pairwise(WIDTHS)]
        biases = [rng.standard_normal(width) for width in WIDTHS[1:]] if biased else None
        self.network = lv.Network(draw, activation, biases)
        elements = [np.eye(4)] if method == "unconstrained" else [REP.multiply(np.eye(4), g) for g in REP.elements()]
        self.moved, self.targets = [torch.tensor(X @ rho.T) for rho in elements], torch.tensor(y)
        self.loss, self.phi, self.pooled = LOSSES[loss], PHI[activation], method == "convolutional"
        self.weights = [torch.tensor(np.array(p), requires_grad=True) for p in self.network.parameters]

    def __call__(self, *weights):
        (first, second, last), (b, c, d) = weights[:3], weights[3:] or (0.0, 0.0, 0.0)
        moved = self.moved if self.pooled else [torch.cat(self.moved)]
        H = sum(self.phi(X @ first.T + b) for X in moved) / len(moved)
        H = self.phi(H @ second.T + c) @ last.T + d
        return self.loss(H, torch.cat([self.targets] * (len(H) // len(self.targets))))


def near(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other.detach().numpy()).max() <= 1e-12


@methods
@both
@every
@with_and_without
def test_loss_gradient_and_hessian_products(method, loss, activation, biased):
    twin = Twin(method, loss, activation, biased)
    value = twin(*twin.weights)
    slope = torch.autograd.grad(value, twin.weights)
    found = lv.value_and_gradient(twin.problem, twin.network)
    assert abs(found[0] - value.item()) <= 1e-12
    near(found[1], slope)
    direction = np.random.default_rng(3).standard_normal(twin.network.flat.size)
    V = lv.Network.from_flat(direction, WIDTHS).parameters
    along = tuple(torch.tensor(np.array(p)) for p in V)
    expected = torch.autograd.functional.hvp(twin, tuple(twin.weights), along)[1]
    product = lv.hessian(twin.problem, twin.network) @ direction
    near(lv.Network.from_flat(product, WIDTHS).parameters, expected)


@pytest.mark.parametrize("rule", RULES)
@both
@every
@with_and_without
def test_a_hundred_steps(loss, activation, rule, biased):
    twin = Twin("augmented", loss, activation, biased)
    ours, theirs = RULES[rule]
    steps = theirs(twin.weights)
    for _ in range(100):
        steps.zero_grad()
        twin(*twin.weights).backward()
        steps.step()
    start = lv.init.given(twin.network)
    run = lv.train(twin.problem, WIDTHS, activation=activation, biases=biased, optimizer=ours, epochs=100, init=start)
    near(run.network.parameters, twin.weights)
