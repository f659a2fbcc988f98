"""Bad networks, initializations and predictors."""

import numpy as np

import linvariance as lv

from .valid import CONVOLUTION, LAYERS, NETWORK, ON_SAMPLES, REP, SAMPLES, W, X
from .wrong import FREE_ROWS, NOT_ACTIVATIONS, NOT_POSITIVE, NOT_PROBLEMS, UNFIT_NETWORKS

HARD_ON_SAMPLES = lv.hard_wired(SAMPLES, REP, rank=1)

ARRAY_ARGUMENTS = {
    ("predictor's function", "X"): (lv.predictor(ON_SAMPLES, NETWORK), X, {*FREE_ROWS, "one dimension less"}),
    ("predictor's function, convolutional", "X"): (
        lv.predictor(CONVOLUTION, NETWORK),
        X,
        {*FREE_ROWS, "one dimension less"},
    ),
    ("predictor's function, hard-wired", "X"): (
        lv.predictor(HARD_ON_SAMPLES, lv.Network([np.ones((2, 1)), LAYERS[1]], "tanh")),
        X,
        {*FREE_ROWS, "one dimension less"},
    ),
    ("Network", "weights"): (lambda a: lv.Network([a, LAYERS[1]]), LAYERS[0], {"one column more", "no columns"}),
    ("Network, second layer", "weights"): (lambda a: lv.Network([LAYERS[0], a]), LAYERS[1], {*FREE_ROWS, "empty"}),
    ("Network", "biases"): (
        lambda a: lv.Network(LAYERS, "tanh", [a, np.ones(len(LAYERS[1]))]),
        np.ones(len(LAYERS[0])),
        {},
    ),
    ("init.given", "weights"): (lambda a: lv.init.given([a, LAYERS[1]]), LAYERS[0], {"one column more", "no columns"}),
}

SCALARS = {
    ("predictor", "problem"): (lambda v: lv.predictor(v, NETWORK), NOT_PROBLEMS),
    ("network_loss", "problem"): (lambda v: lv.network_loss(v, NETWORK), NOT_PROBLEMS),
    ("network_loss", "network"): (lambda v: lv.network_loss(ON_SAMPLES, v), UNFIT_NETWORKS),
    ("value_and_gradient", "problem"): (lambda v: lv.value_and_gradient(v, NETWORK), NOT_PROBLEMS),
    ("value_and_gradient", "network"): (lambda v: lv.value_and_gradient(ON_SAMPLES, v), UNFIT_NETWORKS),
    ("predictor", "network"): (
        lambda v: lv.predictor(ON_SAMPLES, v),
        UNFIT_NETWORKS,
    ),
    ("Network", "activation"): (lambda v: lv.Network(LAYERS, v), NOT_ACTIVATIONS),
    ("init.gaussian", "scale"): (lambda v: lv.init.gaussian(v), NOT_POSITIVE),
    ("init.balanced", "scale"): (lambda v: lv.init.balanced(v), NOT_POSITIVE),
    ("Network", "weights"): (
        lv.Network,
        {
            "empty": [],
            "None": None,
            "number": 3.0,
            "one matrix": W,
            "string": "ab",
            "do not fit": [W, W],
            "dict": {},
            "a vector": [np.ones(3)],
        },
    ),
    ("Network", "biases"): (
        lambda v: lv.Network(LAYERS, biases=v),
        {
            "empty": [],
            "number": 3.0,
            "one vector": np.ones(2),
            "one too few": [np.ones(len(LAYERS[0]))],
            "too long": [np.ones(len(W) + 1) for W in LAYERS],
            "columns": [np.ones((len(W), 1)) for W in LAYERS],
            "True": True,
        },
    ),
    ("init.given", "weights"): (lv.init.given, {"empty": [], "None": None, "one matrix": W, "do not fit": [W, W]}),
}
