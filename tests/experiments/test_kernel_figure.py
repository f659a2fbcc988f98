"""The figure of Appendix B.8: its numbers by other ways, from the same digits and draws."""

import re

import numpy as np
import pytest

import linvariance as lv
from linvariance.experiments.figures import FIGURES, kernels
from linvariance.experiments.reproduce import reproduce

DRAWS = 20  # of synthetic errors
FIGURE = 1e-9  # asked for; what rounding allows is eps times the condition of the kernel matrix, 1e3 here


@pytest.fixture(scope="module")
def result(squared):
    return FIGURES["kernel"].make(squared)


def column(result, quantity, kernel):
    return [row[-1] for row in result.rows if row[:2] == (quantity, kernel)]


def images_turned(X, quarters):
    """Clockwise, by numpy."""
    side = int(np.sqrt(X.shape[1]))
    return np.rot90(X.reshape(-1, side, side), -quarters, axes=(1, 2)).reshape(X.shape)


def rotated(X):
    return np.concatenate([images_turned(X, quarters) for quarters in range(4)])


@pytest.mark.parametrize("kernel", ["plain", "convolutional"])
def test_errors_are_those_of_gradients(kernel, squared, result):
    """K_m as the Gram matrix of gradients by hand, against K or its mean over both arguments."""
    X, protocol, rng = squared.inputs[:12], squared.protocol, np.random.default_rng((0, 1))
    turned = [X] if kernel == "plain" else [images_turned(X, quarters) for quarters in range(4)]
    limit = np.mean([lv.kernels.ntk(x, y) for x in turned for y in turned], axis=0)
    errors = np.empty((protocol.draws, len(protocol.widths)))
    for at in np.ndindex(errors.shape):
        m = protocol.widths[at[1]]
        W, a = rng.standard_normal((m, X.shape[1])), rng.standard_normal(m)
        outer = np.mean([np.maximum(x @ W.T, 0) for x in turned], axis=0)
        inner = np.mean([(a * (x @ W.T > 0))[:, :, None] * x[:, None, :] for x in turned], axis=0).reshape(len(X), -1)
        errors[at] = np.linalg.norm((outer @ outer.T + inner @ inner.T) / m - limit) / np.linalg.norm(limit)
    for quantity, expected in (("rms", np.sqrt(np.square(errors).mean(axis=0))), ("greatest", errors.max(axis=0))):
        np.testing.assert_allclose(column(result, f"{quantity} relative error", kernel), expected, rtol=FIGURE)


@pytest.mark.parametrize("kernel", ["plain", "convolutional", "augmented data"])
def test_accuracies_are_those_of_the_normal_equations(kernel, squared, result):
    X, Y, labels = squared.inputs, squared.digits.targets(9), squared.digits.labels[12:]
    rows, targets = (X[:12], Y[:12]) if kernel == "plain" else (rotated(X[:12]), np.tile(Y[:12], (4, 1)))
    alpha = np.linalg.solve(lv.kernels.ntk(rows), targets)
    expected = [
        np.mean((lv.kernels.ntk(images_turned(X[12:], quarters), rows) @ alpha).argmax(axis=1) == labels)
        for quarters in range(4)
    ]
    assert column(result, "accuracy", kernel) == expected


def test_the_caption_tells_what_is_invariant(result):
    changed, with_average = map(float, re.search(r"by up to (\S+) with K, by (\S+) with K_G", result.caption).groups())
    apart = float(re.search(r"differ by (\S+) at most", result.caption).group(1))
    assert max(with_average, apart) < FIGURE < 1e-2 < changed


def test_slope_and_its_standard_error(squared):
    """300 samples of errors c·√(χ²/m): their slopes are -1/2 on average, and scatter as the standard error says."""
    widths, rng = np.array(squared.protocol.widths), np.random.default_rng(7)
    exact = np.tile(3 / np.sqrt(widths), (DRAWS, 1))
    slope, doubt = kernels._slope(squared, exact)
    assert slope == pytest.approx(-0.5, abs=1e-14)
    assert doubt < 1e-14
    samples = [exact * np.sqrt(rng.chisquare(3, exact.shape)) for _ in range(300)]
    slopes, doubts = np.transpose([kernels._slope(squared, errors) for errors in samples])
    assert slopes.mean() == pytest.approx(-0.5, abs=4 * slopes.std() / np.sqrt(300))
    # The scatter of 300 is known up to 1/√600; the delta method is good to about 1/draws.
    assert doubts.mean() == pytest.approx(slopes.std(), rel=4 / np.sqrt(600) + 1 / DRAWS)


def test_the_page_gives_it_no_number(experiments, tmp_path):
    figures = (FIGURES["fig5"], FIGURES["kernel"])
    page = reproduce(figures, experiments, tmp_path).read_text(encoding="utf-8")
    assert f'<h2 id="fig5">Figure 5. {FIGURES["fig5"].title}</h2>' in page
    assert f'<h2 id="kernel">{FIGURES["kernel"].title}</h2>' in page
