"""Representations as named arrays, for files without pickle, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import matrix
from ..files import Fields
from .matrices import Conjugated, Matrices
from .permutations import Permutations
from .representation import Representation

OFF = 1e-6  # no group found from matrices is further from orthogonal than this; a damaged one is


def fields_of(rep: Representation) -> dict[str, Any]:
    """What `from_fields` makes the representation of; names and known orders are kept."""
    if isinstance(rep, Conjugated):
        base, T = rep.orthogonal_form
        return {"T": T, **{f"base_{name}": value for name, value in fields_of(base).items()}}
    if isinstance(rep, Permutations):
        kept: dict[str, Any] = {"images": rep.images, "signs": rep.signs}
    elif isinstance(rep, Matrices):
        kept = {"rho": rep.matrices(), "algebra": rep.algebra, "rounding": rep.rounding}
    else:
        raise TypeError(f"rep must be a representation from linvariance.groups, but is {type(rep).__name__}.")
    order = rep._order
    text = None if order is None else "inf" if order == math.inf else f"{int(order):x}"  # may have thousands of digits
    return {**kept, "order": text, "name": rep._name}


def from_fields(fields: Fields) -> Representation:
    """ValueError for fields that are no representation."""
    if "T" in fields:
        T = matrix(fields.array("T", 2), "T")
        base = from_fields(fields.within("base_"))
        if T.shape != (base.dim, base.dim) or not np.linalg.cond(T) < 1 / np.finfo(np.float64).eps:
            raise ValueError("T is no change of basis")
        return Conjugated(base, T)
    order = None if "order" not in fields else fields.text("order")
    known = None if order is None else math.inf if order == "inf" else int(order, 16)
    name = fields.text("name") if "name" in fields else None
    if "images" in fields:
        signs = fields.array("signs", 2, "i") if "signs" in fields else None
        return Permutations(
            fields.array("images", 2, "i"), signs, order=None if known is None else int(known), name=name
        )
    return _matrices(fields, known, name)


def _matrices(fields: Fields, order: float | None, name: str | None) -> Matrices:
    rho, algebra = fields.array("rho", 3), fields.array("algebra", 3)
    rounding, shape = fields.number("rounding"), (rho.shape[2], rho.shape[2])
    if rho.shape[1:] != shape or algebra.shape[1:] != shape or not len(rho) + len(algebra) or not 0 < rounding < 1:
        raise ValueError("rho and algebra are no generators")
    if not (np.isfinite(rho).all() and np.isfinite(algebra).all()):
        raise ValueError("rho and algebra are not finite")
    off = np.abs(rho.transpose(0, 2, 1) @ rho - np.eye(shape[0])).max(initial=0.0)
    skew = np.abs(algebra + algebra.transpose(0, 2, 1)).max(initial=0.0)
    if off > OFF or skew > OFF * np.abs(algebra).max(initial=0.0):
        raise ValueError("rho and algebra are not orthogonal")
    return Matrices(rho, algebra, order=order, name=name, rounding=rounding)
