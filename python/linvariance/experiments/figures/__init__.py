"""The figures, one file per kind; `FIGURES` is the one place where a new one is entered."""

from linvariance.experiments.figures.accuracy import accuracy_over_epochs
from linvariance.experiments.figures.curvature import curvature_over_epochs
from linvariance.experiments.figures.distance import distance_over_epochs
from linvariance.experiments.figures.entries import entries_over_epochs
from linvariance.experiments.figures.implicit import implicit_bias
from linvariance.experiments.figures.invariance_errors import invariance_errors
from linvariance.experiments.figures.kernels import kernels_on_digits
from linvariance.experiments.figures.nonlinear_losses import convolutional_losses, losses_over_epochs
from linvariance.experiments.figures.share import share_over_epochs
from linvariance.experiments.figures.spectra import singular_values
from linvariance.experiments.results import Figure

FIGURES = {
    figure.name: figure
    for figure in (
        Figure("fig1", "Entries of W during training", entries_over_epochs),
        Figure("fig2", "Accuracy on the augmented training set", accuracy_over_epochs),
        Figure("fig3", "Distance ‖W⊥‖ from invariance", distance_over_epochs),
        Figure("fig4", "Invariant share ‖W - W⊥‖² / ‖W‖²", share_over_epochs),
        Figure("fig5", "Singular values of the three targets", singular_values, trains=False),
        Figure("fig6", "Entries of W during training, cross-entropy", entries_over_epochs, experiment="cross_entropy"),
        Figure(
            "fig7",
            "Accuracy on the augmented training set, cross-entropy",
            accuracy_over_epochs,
            experiment="cross_entropy",
        ),
        Figure(
            "fig8", "Distance ‖W⊥‖ from invariance, cross-entropy", distance_over_epochs, experiment="cross_entropy"
        ),
        Figure(
            "fig9", "Invariant share ‖W - W⊥‖² / ‖W‖², cross-entropy", share_over_epochs, experiment="cross_entropy"
        ),
        Figure("fig10", "Losses of two-layer nonlinear networks", losses_over_epochs, experiment="nonlinear"),
        Figure("fig11", "Invariance of augmented nonlinear networks", invariance_errors, experiment="nonlinear"),
        Figure("conv", "A group-convolutional network beside them", convolutional_losses, experiment="nonlinear"),
        Figure("kernel", "Finite-width networks and their limiting kernels", kernels_on_digits, trains=False),
        Figure("implicit", "Bounded rank or nuclear norm: what gradient descent finds", implicit_bias, trains=False),
        Figure("curvature", "The Hessian's spectrum along training", curvature_over_epochs, trains=False),
    )
}


def chosen(names: tuple[str, ...]) -> tuple[Figure, ...]:
    """The figures of these names, in the paper's order; none or "all" means all.

    >>> [figure.name for figure in chosen(("fig3", "fig1"))]
    ['fig1', 'fig3']
    """
    unknown = [name for name in names if name not in FIGURES and name != "all"]
    if unknown:
        raise ValueError(
            f"There is no figure {' or '.join(map(repr, unknown))}. Pass some of {', '.join(FIGURES)}, or all."
        )
    wanted = FIGURES if not names or "all" in names else names
    return tuple(figure for name, figure in FIGURES.items() if name in wanted)
