"""Tables that can be read: as text, and as pandas data frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def text(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns aligned to the right, the first to the left; what is None stays empty.

    >>> print(text(["rank", "loss"], [[1, 0.25], [12, None]]))
    rank  loss
    1     0.25
    12
    """
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(_placed(k, cell, widths[k]) for k, cell in enumerate(row)).rstrip() for row in cells)
    return "\n".join(lines)


def frame(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Any:
    """The same as a pandas.DataFrame."""
    try:
        import pandas
    except ImportError:
        raise ImportError("to_frame() needs pandas: pip install pandas.") from None
    return pandas.DataFrame(rows, columns=list(columns))


def _placed(k: int, cell: str, width: int) -> str:
    return cell.rjust(width) if k else cell.ljust(width)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    return "inf" if value == math.inf else f"{value:.4g}"
