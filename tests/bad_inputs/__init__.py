"""The tables of bad inputs (public function x argument x pathology) and the worker process that tries them.

One module for each area holds up to two tables. Both have keys (function, argument), the argument a pattern of the
names that the sentence may use.

    ARRAY_ARGUMENTS: (a call with the argument replaced, a valid value, which of wrong.ARRAYS are legal there)
    SCALARS: (a call with the argument replaced, the bad values by name)

A case passes when it raises ValueError or TypeError with a sentence that names the argument, of at most 300 characters
unless it is scikit-learn's. Every argument is also given what is long to print, wrong.LONG, which it may take. A case
runs in a process of its own, so that a crash or a hang is a failure of that case and not of the run.
"""

import itertools
import re
import traceback
import warnings

from . import (
    comparison,
    curvature,
    data,
    dynamics,
    estimators,
    groups,
    invariance,
    kernels,
    landscape,
    networks,
    path,
    pictures,
    problems,
    progress,
    selection,
    training,
)
from .wrong import ARRAYS, LONG

LONGEST = 300  # characters of a refusal

AREAS = (
    data,
    groups,
    problems,
    invariance,
    networks,
    training,
    comparison,
    curvature,
    landscape,
    path,
    pictures,
    progress,
    dynamics,
    kernels,
    estimators,
    selection,
)


def _rows(table):
    return itertools.chain.from_iterable(getattr(area, table, {}).items() for area in AREAS)


def _array_cases():
    for (function, argument), (call, valid, legal) in _rows("ARRAY_ARGUMENTS"):
        for name, spoil in ARRAYS.items():
            if name not in legal:
                yield f"{function}-{argument}-{name}", argument, [lambda c=call, s=spoil, v=valid: c(s(v))]


def _scalar_cases():
    for (function, argument), (call, values) in _rows("SCALARS"):
        for name, value in values.items():
            yield f"{function}-{argument}={name}", argument, [lambda c=call, v=value: c(v)]


def _long_cases():
    for table in ("ARRAY_ARGUMENTS", "SCALARS"):
        for (function, argument), (call, *_) in _rows(table):
            name = f"{function}-{argument}, long {'arrays' if table == 'ARRAY_ARGUMENTS' else 'values'}"
            yield name, None, [lambda c=call, v=value: c(v) for value in LONG.values()]


CASES = {}  # name -> the argument to be named, or None, and calls
for _name, _argument, _calls in itertools.chain(_array_cases(), _scalar_cases(), _long_cases()):
    assert _name not in CASES, f"two areas have the case {_name}"
    CASES[_name] = _argument, _calls


def attempt(name):
    """None when the calls of a case end as they must, else what happened to the first that does not."""
    argument, calls = CASES[name]
    verdicts = (_verdict(call, argument) for call in calls)
    return next((verdict for verdict in verdicts if verdict is not None), None)


def _verdict(call, argument):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = call()
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            if argument is None and ("sklearn" in where.filename or __package__ in where.filename):
                return None  # not refused by us
            if not isinstance(error, (ValueError, TypeError) if argument else (ValueError, TypeError, LookupError)):
                return f"not a ValueError or TypeError: {error!r:.300} from {where.name}, line {where.lineno}"
            if argument and not re.search(rf"\b({argument})\b", str(error)):
                return f"{type(error).__name__} that does not name {argument}: {error}"
            if "linvariance" in where.filename and len(str(error)) > LONGEST:
                return f"a sentence of {len(str(error))} characters: {error}"
            return None
    return f"accepted: {result!r:.300}" if argument else None


def serve(connection):
    """The worker: case names in, verdicts out, until None comes."""
    for name in iter(connection.recv, None):
        connection.send(attempt(name))
