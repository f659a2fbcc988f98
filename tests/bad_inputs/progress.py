"""What is no progress, for every call that takes one."""

import numpy as np

import linvariance as lv

from .valid import NETWORK, PROBLEM, REP, X
from .wrong import NOT_PROGRESS

OPERATOR = lv.hessian(PROBLEM, NETWORK)
RUN = lv.train(PROBLEM, epochs=2, record=lv.Record(every=1, networks=True))

CALLS = {
    "elements": (lambda p: REP.elements(progress=p), 4),
    "matrices": (lambda p: lv.groups.matrices([[[0.0, -1.0], [1.0, -1.0]]]).elements(progress=p), None),
    "another basis": (lambda p: lv.groups.change_of_basis(REP, np.tri(4)).elements(progress=p), 4),
    "isotypic": (lambda p: lv.groups.isotypic(REP, progress=p).basis, 6),
    "extremes of a run": (lambda p: lv.curvature.extremes(lv.hessian(PROBLEM, RUN), progress=p)[-1].highest, 3),
    "sharpness": (lambda p: lv.curvature.sharpness(PROBLEM, [NETWORK] * 3, progress=p), 3),
    "sampled_density": (
        lambda p: lv.curvature.sampled_density(OPERATOR, probes=2, rng=np.random.default_rng(0), progress=p).density,
        100,
    ),
    "densities of a run": (
        lambda p: lv.curvature.sampled_density(
            lv.hessian(PROBLEM, RUN), probes=2, rng=np.random.default_rng(0), degree=9, progress=p
        )[-1].density,
        3,
    ),
    "accuracy": (lambda p: lv.invariance.accuracy(np.eye(4), X, [0, 1, 2, 3, 0, 1, 2, 3], REP, progress=p), 4),
    "error": (lambda p: lv.invariance.error(NETWORK, X, REP, progress=p), 4),
    "sampled_error": (
        lambda p: lv.invariance.sampled_error(NETWORK, X, REP, draws=7, rng=np.random.default_rng(0), progress=p).value,
        7,
    ),
    "learning_curve": (
        lambda p: lv.learning_curve(X, X[:, 0], REP, rank=1, strength=0.1, sizes=[3], seeds=[0, 1], progress=p).loss,
        2,
    ),
}

SCALARS = {(f"{name} with progress", "progress"): (call, NOT_PROGRESS) for name, (call, _) in CALLS.items()}
