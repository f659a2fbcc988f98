"""The kernels of Appendix B.8 on digits (no figure of the paper): how networks approach them, what they predict."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import linvariance as lv
from linvariance import plots
from linvariance.experiments.experiment import Experiment, Floats
from linvariance.experiments.files import Row
from linvariance.experiments.results import Fact, Result, listed, number
from linvariance.kernels import augmented, finite_width, ntk, ridge

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE = 5  # one digit in so many is regressed on; the others are held out


@dataclass(frozen=True)
class Kind:
    """A name for the table, a label and a look for the picture."""

    name: str
    label: str
    look: plots.Look


PLAIN = Kind("plain", "K, plain networks", plots.LOOKS[2])
CONVOLUTIONAL = Kind("convolutional", "K_G, group-convolutional networks", plots.LOOKS[3])
AUGMENTED = Kind("augmented data", "K, augmented data", plots.LOOKS[1])

Errors = dict[Kind, Floats]
"""‖K_m - K‖ / ‖K‖ of each draw, (draws, widths)."""

Outputs = dict[Kind, Floats]
"""Predictions for the held-out digits in all rotations, (rotations, digits, classes)."""


def kernels_on_digits(experiment: Experiment) -> Result:
    """Left: finite-width tangent kernels against their limits. Right: what the limits predict for rotated digits."""
    errors, outputs = _errors(experiment), _outputs(experiment)
    accuracies = {kind: _accuracies(experiment, values) for kind, values in outputs.items()}
    picture, panels = plots.panels(1, 2, size=(10.0, 4.8))
    _draw_errors(panels[0], experiment, errors)
    _draw_accuracies(panels[1], accuracies)
    plots.legend(picture, panels[1], note="c/√m, same colours", columns=4)

    slopes = tuple(
        Fact("slope of log error in log width", kind.label, closed_form=-0.5, trained=(_slope(experiment, values)[0],))
        for kind, values in errors.items()
    )
    means = tuple(
        Fact("accuracy on rotated held-out digits", kind.label, closed_form=float(values.mean()))
        for kind, values in accuracies.items()
    )
    caption = _caption(experiment, errors, outputs, means)
    rows = [*_error_rows(experiment, errors), *_accuracy_rows(accuracies)]
    return Result(picture, ("quantity", "kernel", "width_or_quarter_turns", "value"), rows, caption, slopes + means)


def _errors(experiment: Experiment) -> Errors:
    """Both kinds of networks have the same weights, drawn anew for each width and draw."""
    X, rotations = experiment.inputs[: _trained(experiment)], experiment.rotations
    return {
        PLAIN: _errors_of(experiment, lv.groups.trivial(rotations.dim), X, ntk(X)),
        CONVOLUTIONAL: _errors_of(experiment, rotations, X, augmented(ntk, rotations)(X)),
    }


def _errors_of(experiment: Experiment, rep: lv.groups.Representation, X: Floats, limit: Floats) -> Floats:
    rng, protocol = np.random.default_rng(experiment.seeds), experiment.protocol
    errors: Floats = np.array(
        [
            [np.linalg.norm(finite_width(rep, width=width, rng=rng)(X) - limit) for width in protocol.widths]
            for _ in experiment.track(range(protocol.draws), "Networks")
        ]
    )
    return errors / np.linalg.norm(limit)


def _rms(errors: Floats) -> Floats:
    """Root mean square over the draws (widths,)."""
    roots: Floats = np.sqrt(np.mean(errors**2, axis=0))
    return roots


def _slope(experiment: Experiment, errors: Floats) -> tuple[float, float]:
    """Of log rms over log width, by least squares, and its standard error, from the spread of the draws."""
    x, squares = np.log(experiment.protocol.widths), errors**2
    pull = (x - x.mean()) / np.square(x - x.mean()).sum()
    uncertain = squares.std(axis=0, ddof=1) / squares.mean(axis=0) / np.sqrt(len(errors)) / 2  # of log rms
    return float(pull @ np.log(_rms(errors))), float(np.linalg.norm(pull * uncertain))


def _outputs(experiment: Experiment) -> Outputs:
    n, rotations = _trained(experiment), experiment.rotations
    X, Y = experiment.inputs, experiment.digits.targets(experiment.protocol.classes)
    turned = np.stack([rotations.multiply(X, g) for g in rotations.elements()])
    fits = {
        PLAIN: ridge(ntk, X[:n], Y[:n]),
        CONVOLUTIONAL: ridge(augmented(ntk, rotations), X[:n], Y[:n]),
        AUGMENTED: ridge(ntk, turned[:, :n].reshape(-1, rotations.dim), np.tile(Y[:n], (len(turned), 1))),
    }
    return {kind: np.stack([fit.predict(rows) for rows in turned[:, n:]]) for kind, fit in fits.items()}


def _accuracies(experiment: Experiment, outputs: Floats) -> Floats:
    """For each rotation, (rotations,)."""
    shares: Floats = (outputs.argmax(axis=-1) == experiment.digits.labels[_trained(experiment) :]).mean(axis=-1)
    return shares


def _trained(experiment: Experiment) -> int:
    return len(experiment.digits) // SHARE


def _error_rows(experiment: Experiment, errors: Errors) -> Iterator[Row]:
    for kind, values in errors.items():
        for name, over_draws in (
            ("rms", _rms(values)),
            ("least", values.min(axis=0)),
            ("greatest", values.max(axis=0)),
        ):
            for width, value in zip(experiment.protocol.widths, over_draws.tolist(), strict=True):
                yield f"{name} relative error", kind.name, width, value


def _accuracy_rows(accuracies: dict[Kind, Floats]) -> Iterator[Row]:
    for kind, values in accuracies.items():
        for turns, value in enumerate(values.tolist()):
            yield "accuracy", kind.name, turns, value


def _draw_errors(panel: "Axes", experiment: Experiment, errors: Errors) -> None:
    widths = np.array(experiment.protocol.widths)
    curves = []
    for kind, values in errors.items():
        bare, rms = plots.Look(kind.look.colour, ""), _rms(values)
        # K_m is a mean over m independent neurons: the expected square is c²/m exactly, so each width tells c.
        c = np.sqrt(np.mean(widths * rms**2))
        curves += [
            plots.Curve("", widths, values, bare, " "),  # the band
            plots.Curve("", widths, c / np.sqrt(widths)[np.newaxis], bare, "--"),
            plots.Curve(kind.label, widths, rms[np.newaxis], kind.look, " "),
        ]
    plots.draw(panel, curves)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xticks(widths, map(str, widths))
    panel.set_xticks([], minor=True)
    plots.explain(panel, "width m", "‖K_m - K‖ / ‖K‖", "Tangent kernels at initialization")


def _draw_accuracies(panel: "Axes", accuracies: dict[Kind, Floats]) -> None:
    plots.stems(
        panel,
        [
            plots.Curve(kind.label, np.arange(len(values)), values[np.newaxis], kind.look)
            for kind, values in accuracies.items()
        ],
    )
    plots.explain(panel, "quarter turns of held-out digits", "accuracy", "Kernel regression")


def _caption(experiment: Experiment, errors: Errors, outputs: Outputs, means: tuple[Fact, ...]) -> str:
    n, protocol = _trained(experiment), experiment.protocol
    slopes = {kind: _slope(experiment, values) for kind, values in errors.items()}
    powers = listed([f"{number(slope)} ± {doubt:.1g} ({kind.label})" for kind, (slope, doubt) in slopes.items()])
    shares = listed([f"{number(fact.closed_form)} ({fact.of})" for fact in means])
    moved = {kind: np.abs(values - values[0]).max() for kind, values in outputs.items()}
    apart = np.abs(outputs[CONVOLUTIONAL] - outputs[AUGMENTED]).max()
    return (
        f"Not a figure of the paper. Left: tangent kernels K_m of two-layer ReLU networks of width m on {n} digits, "
        "plain ones against the limiting kernel K, group-convolutional ones against its average K_G over rotations "
        f"(Proposition B.14): root mean squares over {protocol.draws} draws, and bands from the least to the greatest. "
        f"Slopes are {powers}; that of c/√m is -0.500. Right: regression with these kernels on the {n} digits, "
        f"accuracy on {len(experiment.digits) - n} others, turned clockwise; over all rotations it is {shares}. "
        f"Turning a digit changes predictions by up to {moved[PLAIN]:.2g} with K, by {moved[CONVOLUTIONAL]:.1g} with "
        f"K_G (Corollary B.13); those with K_G and those with K on augmented data differ by {apart:.1g} at most "
        "(Proposition B.12)."
    )
