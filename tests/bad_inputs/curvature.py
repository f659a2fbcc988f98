"""Bad Hessians, spectra and networks to take them at."""

import numpy as np
import scipy.sparse.linalg

import linvariance as lv

from .valid import LAYERS, MOMENTS, NETWORK, ON_SAMPLES, PROBLEM, SIGNED, W
from .wrong import NOT_COUNTS, NOT_NETWORKS, NOT_PROBLEMS, OVERFLOW, UNFIT_NETWORKS

OPERATOR = lv.hessian(PROBLEM, NETWORK)
RUN = lv.train(PROBLEM, epochs=1, record=lv.Record(networks=True))
RUNS = {
    "without networks": (PROBLEM, lv.train(PROBLEM, epochs=1)),
    "several runs": (PROBLEM, lv.train(PROBLEM, epochs=1, seeds=(0, 1), record=lv.Record(networks=True))),
    "another problem's": (lv.unconstrained(lv.Moments.from_data(np.eye(5), np.eye(5)), rank=1), RUN),
}

SCALARS = {
    ("hessian", "problem"): (lambda v: lv.hessian(v, NETWORK), NOT_PROBLEMS),
    ("hessian", "network"): (lambda v: lv.hessian(PROBLEM, v), {"None": None, "array": W, "list": LAYERS}),
    ("hessian on Samples", "network"): (lambda v: lv.hessian(ON_SAMPLES, v), UNFIT_NETWORKS),
    ("nonlinear on Moments", "Moments"): (lambda v: lv.hessian(PROBLEM, lv.Network(LAYERS, v)), {"relu": "relu"}),
    **{
        (f"{name} of a run", "trace|networks?"): (lambda v, take=take: take(*v), RUNS)
        for name, take in {
            "hessian": lv.hessian,
            "gauss_newton": lv.curvature.gauss_newton,
            "fisher": lv.curvature.fisher,
            "sharpness": lv.curvature.sharpness,
            "classify": lv.classify,
        }.items()
    },
    ("Hessians of a run", "t"): (lambda v: lv.hessian(PROBLEM, RUN)[v], {"str": "1", "None": None, "fraction": 0.5}),
    ("extremes of a run", "k"): (lambda v: lv.curvature.extremes(lv.hessian(PROBLEM, RUN), v), NOT_COUNTS),
    **{
        (make.__name__, argument): (call, values)
        for make in (lv.curvature.gauss_newton, lv.curvature.fisher, lv.curvature.empirical_fisher)
        for argument, call, values in (
            ("problem", lambda v, make=make: make(v, NETWORK), NOT_PROBLEMS),
            ("network", lambda v, make=make: make(ON_SAMPLES, v), UNFIT_NETWORKS),
        )
    },
    ("empirical_fisher on Moments", "problem"): (
        lambda v: lv.curvature.empirical_fisher(v, NETWORK),
        {"Moments": PROBLEM},
    ),
    ("extremes", "H"): (
        lv.curvature.extremes,
        {
            "None": None,
            "array": np.eye(3),
            "network": NETWORK,
            "operator": scipy.sparse.linalg.aslinearoperator(np.eye(3)),
        },
    ),
    ("extremes", "k"): (
        lambda v: lv.curvature.extremes(OPERATOR, v),
        {**NOT_COUNTS, "too many": OPERATOR.shape[0] + 1},
    ),
    ("spectral_density", "H"): (
        lv.curvature.spectral_density,
        {
            "None": None,
            "array": np.eye(3),
            "network": NETWORK,
            "overflow": lv.hessian(PROBLEM, OVERFLOW),
            "too large": lv.hessian(PROBLEM, lv.Network([np.ones((500, 4)), np.ones((3, 500))])),
            "no weights": lv.hessian(lv.hard_wired(MOMENTS, SIGNED, rank=1), lv.Network([np.ones((3, 0))])),
        },
    ),
    ("spectral_density", "degree"): (lambda v: lv.curvature.spectral_density(OPERATOR, v), NOT_COUNTS),
    ("sampled_density", "H"): (
        lambda v: lv.curvature.sampled_density(v, probes=4, rng=np.random.default_rng(0)),
        {"None": None, "array": np.eye(3), "network": NETWORK},
    ),
    ("sampled_density", "probes"): (
        lambda v: lv.curvature.sampled_density(OPERATOR, probes=v, rng=np.random.default_rng(0)),
        {**NOT_COUNTS, "1": 1},
    ),
    ("sampled_density", "rng"): (
        lambda v: lv.curvature.sampled_density(OPERATOR, probes=4, rng=v),
        {"None": None, "seed": 3, "class": np.random.Generator},
    ),
    ("sampled_density", "degree"): (
        lambda v: lv.curvature.sampled_density(OPERATOR, probes=4, rng=np.random.default_rng(0), degree=v),
        NOT_COUNTS,
    ),
    ("sharpness", "problem"): (lambda v: lv.curvature.sharpness(v, [NETWORK]), NOT_PROBLEMS),
    ("sharpness", "networks"): (
        lambda v: lv.curvature.sharpness(PROBLEM, v),
        {
            "empty": [],
            "one network": NETWORK,
            "string": "ab",
            "number": 3,
            **{f"one is {name}": [NETWORK, network] for name, network in NOT_NETWORKS.items()},
        },
    ),
    ("Hessian", "Hessian|real"): (OPERATOR.matvec, {"complex": np.ones(OPERATOR.shape[1]) + 0j}),
    ("Hessian", "dimension|shape"): (OPERATOR.matvec, {"too short": np.ones(3), "a matrix": np.ones((14, 2))}),
}
