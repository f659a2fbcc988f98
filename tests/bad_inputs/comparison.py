"""Bad comparisons."""

import linvariance as lv

from .valid import MOMENTS, REP, SAMPLES, X, Y
from .wrong import NOT_COUNTS, NOT_DATA, NOT_PROGRESS, NOT_REPS, NOT_STRENGTHS


def compare(data=MOMENTS, rep=REP, rank=2, strengths=(0.1,), **options):
    return lv.compare(data, rep, rank=rank, strengths=strengths, **options)


SCALARS = {
    ("compare", "data"): (lambda v: compare(data=v), NOT_DATA),
    ("compare Samples", "epochs"): (lambda v: compare(data=v), {"not trained": SAMPLES}),
    ("compare", "rep"): (lambda v: compare(rep=v), NOT_REPS),
    ("compare", "rank"): (lambda v: compare(rank=v), NOT_COUNTS),
    ("compare", "strengths"): (
        lambda v: compare(strengths=v),
        {"number": 0.1, "None": None, "str": "0.1", **{name: [0.1, v] for name, v in NOT_STRENGTHS.items()}},
    ),
    ("compare", "ridge"): (lambda v: compare(ridge=v), NOT_STRENGTHS),
    ("compare", "output"): (
        lambda v: compare(output=v),
        {"str": "C4", "array": REP.invariants, "other dim": lv.groups.cyclic(5), "other group": lv.groups.symmetric(3)},
    ),
    ("compare Samples", "output"): (lambda v: compare(data=SAMPLES, epochs=1, output=v), {"any": lv.groups.cyclic(3)}),
    ("compare", "metric"): (
        lambda v: compare(metric=v),
        {"str": "whitened", "other size": [[1.0]], "indefinite": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]},
    ),
    ("compare Samples", "metric"): (
        lambda v: compare(data=SAMPLES, epochs=1, metric=v),
        {"any": [[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]},
    ),
    ("compare", "held_out"): (
        lambda v: compare(held_out=v),
        {
            **{name: value for name, value in NOT_DATA.items() if name != "None"},
            "of another kind": SAMPLES,
            "other outputs": lv.Moments.from_data(X, X),
            "other inputs": lv.Moments.from_data(X[:, :3], Y),
        },
    ),
    ("compare", "epochs"): (lambda v: compare(**v), {"missing": {"seeds": (0,)}, "negative": {"epochs": -1}}),
    ("compare, trained", "record"): (lambda v: compare(epochs=1, held_out=MOMENTS, record=v), {"number": 3, "zero": 0}),
    ("compare", "progress"): (lambda v: compare(epochs=1, progress=v), NOT_PROGRESS),
    ("compare, not trained", "progress"): (lambda v: compare(progress=v), {"True": True}),
    ("compare", "optimiser"): (lambda v: compare(epochs=1, optimiser=v), {"misspelt": lv.Adam()}),
}
