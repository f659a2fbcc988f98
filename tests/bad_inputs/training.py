"""Bad runs: their problems, optimizers and records."""

import numpy as np

import linvariance as lv

from .valid import DENSE, LAYERS, MOMENTS, ON_SAMPLES, PROBLEM, REP, SAMPLES, TARGETS
from .wrong import NOT_ACTIVATIONS, NOT_COUNTS, NOT_FROM_ZERO, NOT_POSITIVE, NOT_PROBLEMS, NOT_PROGRESS, NOT_STRENGTHS

NOT_FRACTIONS = {**NOT_STRENGTHS, "1": 1.0, "2": 2.0}

NOT_TOLERANCES = {name: value for name, value in NOT_STRENGTHS.items() if value is not None}
NOT_NUMBERS = {name: value for name, value in NOT_TOLERANCES.items() if not (isinstance(value, float) and value < 0)}

TRACE = lv.train(PROBLEM, epochs=2, record=lv.Record(every=2, networks=True))


def train(**options):
    return lv.train(PROBLEM, **{"epochs": 2, **options})


SCALARS = {
    ("train", "activation"): (lambda v: lv.train(ON_SAMPLES, epochs=1, activation=v), NOT_ACTIVATIONS),
    ("train on Moments", "Moments"): (lambda v: train(activation=v), {"relu": "relu", "tanh": "tanh"}),
    ("train", "biases"): (
        lambda v: lv.train(ON_SAMPLES, epochs=1, biases=v),
        {"None": None, "number": 1, "str": "yes", "zeros": [np.zeros(len(W)) for W in LAYERS]},
    ),
    ("biases on Moments", "Moments"): (
        lambda v: v(lv.Network(LAYERS, biases=[np.zeros(len(W)) for W in LAYERS])),
        {
            "train": lambda network: train(biases=True),
            "hessian": lambda network: lv.hessian(PROBLEM, network),
            "predictor": lambda network: lv.predictor(PROBLEM, network),
            "network_loss": lambda network: lv.network_loss(PROBLEM, network),
            "value_and_gradient": lambda network: lv.value_and_gradient(PROBLEM, network),
            "classify": lambda network: lv.classify(PROBLEM, network),
            "gradient_flow": lambda network: lv.dynamics.gradient_flow(PROBLEM, network, [1.0]),
        },
    ),
    ("train without biases", "init"): (
        lambda v: lv.train(ON_SAMPLES, epochs=1, init=v),
        {"given": lv.init.given(lv.Network(LAYERS, biases=[np.zeros(len(W)) for W in LAYERS]))},
    ),
    ("train on Samples", "batches"): (
        lambda v: lv.train(ON_SAMPLES, epochs=1, batches=v),
        {"number": 4, "str": "full", "class": lv.Batches, "array": np.arange(8)},
    ),
    ("train on Moments", "batches"): (lambda v: train(batches=v), {"on moments": lv.Batches(2)}),
    ("train on Samples", "rows|epochs"): (
        lambda v: v(),
        {
            "an order too long": lambda: lv.train(ON_SAMPLES, epochs=10**7, batches=lv.Batches(2)),
        },
    ),
    ("nonlinear and regularized", "penalty"): (
        lambda v: v(lv.regularized(SAMPLES, REP, rank=2, strength=1.0)),
        {
            "hessian": lambda p: lv.hessian(p, lv.Network(LAYERS, "tanh")),
            "train": lambda p: lv.train(p, activation="tanh", epochs=1),
            "train, second of two": lambda p: lv.train([ON_SAMPLES, p], activation="tanh", epochs=1),
        },
    ),
    ("train", "problems"): (lambda v: lv.train(v, epochs=1), {**NOT_PROBLEMS, "empty": [], "mixed": [PROBLEM, None]}),
    ("train", "epochs"): (lambda v: train(epochs=v), NOT_FROM_ZERO),
    ("train", "threads"): (lambda v: train(threads=v), {k: v for k, v in NOT_COUNTS.items() if k != "None"}),
    ("train", "progress"): (lambda v: train(progress=v), NOT_PROGRESS),
    ("train with a callback", "progress"): (
        lambda v: lv.train([PROBLEM] * 2, epochs=2, progress=lambda done, total, loss: v),
        {"an array": np.array([True, False])},
    ),
    ("train", "seeds"): (
        lambda v: train(seeds=v),
        {
            "empty": (),
            "negative": (-1,),
            "fraction": (1.5,),
            "str": ("a",),
            "None": (None,),
            "bool": (True,),
            "nothing": None,
            "number": 3,
            "string": "ab",
        },
    ),
    ("train", "dtype"): (
        lambda v: train(dtype=v),
        {"int": int, "complex": complex, "float16": np.float16, "object": object, "no type": "double precision"},
    ),
    ("train", "optimizer"): (lambda v: train(optimizer=v), {"str": "adam", "class": lv.Adam, "number": 0.1}),
    ("train", "record"): (lambda v: train(record=v), {"number": 10, "str": "all", "dict": {"every": 1}}),
    ("train", "init|weights"): (
        lambda v: train(init=v),
        {
            "str": "pytorch",
            "the maker": lv.init.pytorch,
            "layers": LAYERS,
            "network": TRACE.network,
            "nan": lambda widths, rng: [w * np.nan for w in LAYERS],
            "other widths": lambda widths, rng: [np.ones((2, 5)), np.ones((3, 2))],
            "too few layers": lambda widths, rng: LAYERS[:1],
        },
    ),
    ("train", "widths"): (
        lambda v: train(widths=v),
        {
            "empty": [],
            "one": [4],
            "ends elsewhere": [4, 2, 2],
            "starts elsewhere": [5, 2, 3],
            "rank 1": [4, 1, 3],
            "rank 3": [4, 3, 3],
            "zero": [4, 0, 3],
            "negative": [4, -2, 3],
            "fraction": [4, 2.5, 3],
            "str": ["4", "2", "3"],
            "bool": [4, True, 3],
            "number": 3,
            "string": "423",
            "nested": [[4, 2, 3]],
        },
    ),
    ("train of two", "widths"): (
        lambda v: lv.train([PROBLEM, lv.hard_wired(MOMENTS, REP, rank=2)], v, epochs=1),
        {
            "for one dim": [4, 2, 3],
            "too few": [[4, 2, 3]],
            "too many": [[4, 2, 3], [1, 1, 3], [1, 1, 3]],
            "exchanged": [[1, 1, 3], [4, 2, 3]],
            "one None": [[4, 2, 3], None],
            "of str": ["423", "113"],
        },
    ),
    ("train of two", "record"): (
        lambda v: lv.train([ON_SAMPLES, lv.augmented(SAMPLES, REP, rank=1)], activation="tanh", epochs=1, record=v),
        {"first layers of other rows": lv.Record(weights=True)},
    ),
    ("train of two", "problems"): (
        lambda v: lv.train([PROBLEM, v], epochs=1),
        {
            "other inputs": lv.unconstrained(lv.Moments.from_data(np.eye(5), np.ones((5, 3))), rank=1),
            "other outputs": lv.unconstrained(lv.Moments.from_data(np.eye(4), np.eye(4)), rank=1),
            "samples": ON_SAMPLES,
        },
    ),
    ("Adam", "lr"): (lambda v: lv.Adam(lr=v), {**NOT_POSITIVE, "function": lambda epoch: 0.1, "class": lv.rates.Step}),
    ("Adam", "weight_decay"): (lambda v: lv.Adam(weight_decay=v), NOT_STRENGTHS),
    ("Adam", "decoupled"): (lambda v: lv.Adam(decoupled=v), {"str": "yes", "number": 1, "None": None}),
    ("GradientDescent", "weight_decay"): (lambda v: lv.GradientDescent(0.1, weight_decay=v), NOT_STRENGTHS),
    ("Adam", "eps"): (lambda v: lv.Adam(eps=v), NOT_STRENGTHS),
    ("Adam", "betas"): (
        lambda v: lv.Adam(betas=v),
        {
            "one": (0.9,),
            "three": (0.9, 0.9, 0.9),
            "number": 0.9,
            "None": None,
            "nan": (0.9, np.nan),
            "beta 1": (1.0, 0.9),
            "negative": (-0.1, 0.9),
            "str": ("0.9", "0.9"),
            "string": "ab",
            "True": (True, 0.5),
        },
    ),
    ("GradientDescent", "lr"): (lambda v: lv.GradientDescent(lr=v), NOT_POSITIVE),
    ("GradientDescent", "momentum"): (lambda v: lv.GradientDescent(0.1, momentum=v), NOT_FRACTIONS),
    ("Record", "every"): (lambda v: lv.Record(every=v), NOT_COUNTS),
    ("Record", "entries|entry"): (
        lambda v: train(record=lv.Record(entries=v)),
        {
            "row too large": [(3, 0)],
            "column too large": [(0, 4)],
            "negative": [(-1, 0)],
            "fraction": [(0.5, 0)],
            "one number": [(1,)],
            "three": [(1, 1, 1)],
            "no pairs": [1, 2],
            "str": ["ab"],
            "number": 3,
            "None": None,
            "bool": [(True, 0)],
        },
    ),
    ("Record", "weights"): (lambda v: lv.Record(weights=v), {"str": "no", "array": np.ones(2), "number": 2.5}),
    ("Record", "networks"): (lambda v: lv.Record(networks=v), {"str": "no", "array": np.ones(2), "number": 2.5}),
    ("Trace.network_at", "epoch"): (lambda v: TRACE.network_at(v), {**NOT_FROM_ZERO, "not recorded": 1, "later": 9}),
    ("train with a rule of one's own", "optimizer"): (
        lambda v: train(optimizer=lambda weights, gradient, state: v),
        {
            "None": None,
            "one array": LAYERS[0],
            "one layer": LAYERS[:1],
            "other shapes": LAYERS[::-1],
            "numbers": [1.0, 2.0],
            "str": ["a", "b"],
            "complex": [W * 1j for W in LAYERS],
        },
    ),
    ("Until", "loss"): (lambda v: lv.Until(loss=v), NOT_NUMBERS),
    ("Until", "gradient_norm"): (lambda v: lv.Until(gradient_norm=v), NOT_TOLERANCES),
    ("Until", "relative_change"): (lambda v: lv.Until(relative_change=v), NOT_TOLERANCES),
    ("Until", "Until"): (lambda v: lv.Until(*v), {"no rule": ()}),
    ("train", "until"): (lambda v: train(until=v), {"number": 1e-3, "str": "converged", "class": lv.Until}),
    ("train", "checkpoint"): (
        lambda v: train(checkpoint=v),
        {"number": 3, "True": True, "nowhere": "/nowhere/at/all.npz", "a folder": "/", "bytes": b"trace.npz"},
    ),
    ("resume", "trace"): (lambda v: lv.resume(v, epochs=1), {"None": None, "problem": PROBLEM, "str": "trace.npz"}),
    ("resume", "epochs"): (lambda v: lv.resume(TRACE, epochs=v), NOT_FROM_ZERO),
    ("resume", "threads"): (
        lambda v: lv.resume(TRACE, epochs=1, threads=v),
        {k: v for k, v in NOT_COUNTS.items() if k != "None"},
    ),
    ("resume", "progress"): (lambda v: lv.resume(TRACE, epochs=1, progress=v), NOT_PROGRESS),
    ("resume", "until"): (lambda v: lv.resume(TRACE, epochs=1, until=v), {"number": 1e-3, "str": "converged"}),
    ("resume", "checkpoint"): (lambda v: lv.resume(TRACE, epochs=1, checkpoint=v), {"number": 3, "a folder": "/"}),
    ("resume", "problems?|trace"): (
        lambda v: lv.resume(TRACE, v, epochs=1),
        {
            **{k: v for k, v in NOT_PROBLEMS.items() if k != "None"},
            "empty": [],
            "two": [PROBLEM, PROBLEM],
            "another": lv.unconstrained(lv.Moments.from_data(np.eye(4), np.eye(4)[:, :3]), rank=2),
            "on samples": ON_SAMPLES,
        },
    ),
    ("AdamW", "weight_decay"): (lambda v: lv.AdamW(weight_decay=v), NOT_STRENGTHS),
    ("GradientDescent", "nesterov"): (
        lambda v: lv.GradientDescent(0.1, 0.9, nesterov=v),
        {"str": "yes", "number": 1, "None": None},
    ),
    ("GradientDescent without momentum", "nesterov"): (lambda v: lv.GradientDescent(0.1, nesterov=v), {"True": True}),
    ("RMSprop", "lr"): (lambda v: lv.RMSprop(lr=v), NOT_POSITIVE),
    ("RMSprop", "alpha"): (lambda v: lv.RMSprop(alpha=v), NOT_FRACTIONS),
    ("RMSprop", "eps"): (lambda v: lv.RMSprop(eps=v), NOT_STRENGTHS),
    ("RMSprop", "weight_decay"): (lambda v: lv.RMSprop(weight_decay=v), NOT_STRENGTHS),
    ("RMSprop", "momentum"): (lambda v: lv.RMSprop(momentum=v), NOT_FRACTIONS),
    ("RMSprop", "centered"): (lambda v: lv.RMSprop(centered=v), {"str": "yes", "number": 1, "None": None}),
    ("rates.Step", "lr"): (lambda v: lv.rates.Step(v, every=2), NOT_POSITIVE),
    ("rates.Step", "every"): (lambda v: lv.rates.Step(0.1, every=v), NOT_COUNTS),
    ("rates.Step", "gamma"): (lambda v: lv.rates.Step(0.1, every=2, gamma=v), NOT_POSITIVE),
    ("rates.Exponential", "lr"): (lambda v: lv.rates.Exponential(v, 0.5), NOT_POSITIVE),
    ("rates.Exponential", "gamma"): (lambda v: lv.rates.Exponential(0.1, v), NOT_POSITIVE),
    ("rates.Cosine", "lr"): (lambda v: lv.rates.Cosine(v, 9), NOT_POSITIVE),
    ("rates.Cosine", "epochs"): (lambda v: lv.rates.Cosine(0.1, v), NOT_COUNTS),
    ("rates.Cosine", "least"): (lambda v: lv.rates.Cosine(0.1, 9, v), NOT_STRENGTHS),
    ("rates.WarmUp", "lr"): (lambda v: lv.rates.WarmUp(v, 9), {**NOT_POSITIVE, "twice": lv.rates.WarmUp(0.1, 3)}),
    ("rates.WarmUp", "epochs"): (lambda v: lv.rates.WarmUp(0.1, v), NOT_COUNTS),
    ("rates.WarmUp", "start"): (lambda v: lv.rates.WarmUp(0.1, 9, v), NOT_FRACTIONS),
    ("train", "hard_wired|regularized"): (
        lambda v: lv.train(v, epochs=1),
        {
            "hard-wired, equivariant": lv.hard_wired(TARGETS, DENSE, rank=1, output=DENSE),
            "regularized, equivariant": lv.regularized(TARGETS, DENSE, rank=1, strength=1.0, output=DENSE),
        },
    ),
}
