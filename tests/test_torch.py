"""Networks as PyTorch modules and back: the same function, the same bits; what no Network has is named.

Invariance errors of modules, and of functions of JAX."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linvariance as lv
import strategies
from tolerances import close

torch = pytest.importorskip("torch")
nn = torch.nn


ACTIVATIONS = ("identity", "relu", "leaky_relu", "swish", "tanh", "gelu")


@given(strategies.networks(), st.sampled_from(ACTIVATIONS), st.booleans(), st.booleans())
def test_there_and_back(drawn, activation, single, biased):
    weights, widths, rng = drawn
    weights = [W.astype(np.float32) if single else W for W in weights]
    biases = [rng.standard_normal(width).astype(weights[0].dtype) for width in widths[1:]] if biased else None
    network = lv.Network(weights, activation, biases)
    module = network.to_torch()
    X = rng.standard_normal((5, widths[0])).astype(network.weights[0].dtype)
    with torch.no_grad():
        theirs = module(torch.tensor(X)).numpy()
    assert theirs.dtype == X.dtype
    unit = np.finfo(X.dtype).eps / np.finfo(np.float64).eps
    parts = weights if biases is None else [np.column_stack(one) for one in zip(weights, biases, strict=True)]
    size = np.linalg.norm(np.append(X, 1.0)) * np.prod([max(1.0, np.linalg.norm(W)) for W in parts])
    close("torch: outputs", theirs, network(X), norms=size * unit, dims=max(widths))
    again = lv.Network.from_torch(module)
    assert again.activation == (network.activation if len(weights) > 1 else "identity")
    np.testing.assert_array_equal(again.flat, network.flat)
    assert again.flat.dtype == network.flat.dtype
    with torch.no_grad():
        for copied in module.parameters():  # both ways
            copied.zero_()
    np.testing.assert_array_equal(again.flat, network.flat)


def test_no_width_nested_and_half_precision():
    network = lv.Network([np.ones((0, 3)), np.ones((2, 0))])
    assert lv.Network.from_torch(network.to_torch()).widths == (3, 0, 2)
    inner = nn.Sequential(nn.Linear(3, 2, bias=False), nn.Identity(), nn.ReLU())
    found = lv.Network.from_torch(nn.Sequential(inner, nn.Linear(2, 1, bias=False)))
    assert (found.widths, found.activation) == ((3, 2, 1), "relu")
    half = lv.Network.from_torch(nn.Linear(3, 2, bias=False).to(torch.bfloat16))
    assert half.flat.dtype == np.float64


def linear(a=3, b=3, **options):
    return nn.Linear(a, b, bias=False, **options)


BAD = {
    "a bias at first": (
        r"module\[1\] \(Linear\) and those before differ in bias=",
        lambda: nn.Sequential(nn.Linear(3, 3), linear()),
    ),
    "a bias at last": (
        r"module\[1\] \(Linear\) and those before differ in bias=",
        lambda: nn.Sequential(linear(), nn.Linear(3, 3)),
    ),
    "dropout": (r"module\[1\] \(Dropout\)", lambda: nn.Sequential(linear(), nn.Dropout(), linear())),
    "an unknown layer": (r"module\[1\] \(Softplus\)", lambda: nn.Sequential(linear(), nn.Softplus(), linear())),
    "a convolution": (r"module\[0\] \(Conv1d\)", lambda: nn.Sequential(nn.Conv1d(1, 1, 3))),
    "in a nested one": (r"module\[0\]\[1\] \(Dropout\)", lambda: nn.Sequential(nn.Sequential(linear(), nn.Dropout()))),
    "an activation at the end": ("module ends in an activation", lambda: nn.Sequential(linear(), nn.Tanh())),
    "an activation first": (r"module\[0\] \(Tanh\)", lambda: nn.Sequential(nn.Tanh(), linear())),
    "two in a row": (r"module\[2\] \(Tanh\)", lambda: nn.Sequential(linear(), nn.Tanh(), nn.Tanh(), linear())),
    "two kinds": (
        "module has relu and tanh",
        lambda: nn.Sequential(linear(), nn.Tanh(), linear(), nn.ReLU(), linear()),
    ),
    "some between": ("module has identity and tanh", lambda: nn.Sequential(linear(), nn.Tanh(), linear(), linear())),
    "another slope": (r"module\[1\] \(LeakyReLU\) has", lambda: nn.Sequential(linear(), nn.LeakyReLU(0.2), linear())),
    "an approximation": (
        r"module\[1\] \(GELU\) approximates by tanh",
        lambda: nn.Sequential(linear(), nn.GELU(approximate="tanh"), linear()),
    ),
    "nothing": ("module holds no Linear layer", nn.Sequential),
    "no Sequential": (r"module \(Bilinear\) is no Sequential of Linear layers: pass", lambda: nn.Bilinear(2, 2, 2)),
    "None": ("module must be", lambda: None),
    "layers": ("module must be", lambda: [linear()]),
    "a class": ("module must be", lambda: nn.Sequential),
    "layers that do not fit": (r"weights\[1\] has shape", lambda: nn.Sequential(linear(3, 2), linear(3, 2))),
}


@pytest.mark.parametrize(("sentence", "make"), BAD.values(), ids=BAD)
def test_what_no_network_has_is_named(sentence, make):
    with pytest.raises((TypeError, ValueError), match=sentence):
        lv.Network.from_torch(make())


def test_without_torch_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for call in (lv.Network([np.eye(2)]).to_torch, lambda: lv.Network.from_torch(None)):
        with pytest.raises(ImportError, match="pip install torch"):
            call()


REP = lv.groups.cyclic(4)


def measures(f, X):
    estimate = lv.invariance.sampled_error(f, X, REP, draws=40, rng=np.random.default_rng(1))
    return lv.invariance.error(f, X, REP), estimate.value, estimate.standard_error


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_invariance_errors_of_a_module(rng, dtype):
    network = lv.Network([rng.standard_normal((3, 4)), rng.standard_normal((2, 3))], "tanh")
    module, X = network.to_torch().to(dtype), torch.tensor(rng.standard_normal((5, 4)), dtype=dtype)
    expected = measures(network, X.double())
    seen = []

    def watched(rows):
        seen.append((rows.dtype, torch.is_grad_enabled()))
        return module(rows)

    for found, right in zip(measures(watched, X.requires_grad_()), expected, strict=True):
        assert (found.dtype, found.device, found.requires_grad) == (dtype, X.device, False)
        np.testing.assert_allclose(found.double(), right, rtol=200 * torch.finfo(dtype).eps)
    assert set(seen) == {(dtype, False)}
    for found, right in zip(measures(module, X.detach().double().numpy()), expected, strict=True):  # NumPy's in and out
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, right, rtol=200 * torch.finfo(dtype).eps)


def test_tensors_are_refused_as_arrays_are():
    with pytest.raises(ValueError, match=r"X\[1, 2\] is nan"):
        measures(nn.Linear(4, 1), torch.tensor([[1.0] * 4, [1.0, 1.0, np.nan, 1.0]]))
    with pytest.raises(ValueError, match="X must be any x 4"):
        measures(nn.Linear(3, 1), torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"f\(X\) has 1 rows for 2"):
        measures(lambda X: X[:1], torch.ones(2, 4))
    with pytest.raises(TypeError, match=r"f\(X\) must hold"):
        measures(lambda X: X.to(torch.complex64), torch.ones(2, 4))


@pytest.mark.parametrize("part", [nn.Dropout(), nn.BatchNorm1d(3)], ids=repr)
def test_modules_in_training_mode_are_refused(part):
    module = nn.Sequential(nn.Linear(4, 3), part)
    for X in (torch.ones(2, 4), np.ones((2, 4))):
        with pytest.raises(ValueError, match=rf"f holds {type(part).__name__} '1' in training mode.*Call f.eval"):
            measures(module, X)
    assert not measures(module.eval(), torch.ones(2, 4))[0].any()


def test_invariance_errors_of_a_function_of_jax(rng):
    jnp = pytest.importorskip("jax.numpy")
    X = rng.standard_normal((5, 4)).astype(np.float32)
    expected = measures(lambda X: np.tanh(X[:, :2]), X)
    for found, right in zip(measures(lambda X: jnp.tanh(X[:, :2]), jnp.asarray(X)), expected, strict=True):
        assert isinstance(found, type(jnp.zeros(1)))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, right, rtol=1e-5)
    for found in measures(lambda X: jnp.tanh(X[:, :2]), X):  # NumPy's in and out
        assert isinstance(found, np.ndarray)
