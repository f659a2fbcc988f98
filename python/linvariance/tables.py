"""Results as tables: printed, in notebooks, and as pandas data frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy.typing as npt

from .optional import needed

Columns = Mapping[str, Sequence[Any] | npt.NDArray[Any]]
ENDS = 10  # rows shown at either end of a table in a notebook


@dataclass(frozen=True)
class Table:
    """Rows under columns, with a line above and a note below unless empty; what is None stays empty.

    >>> print(Table("Losses", ["rank", "loss"], [[1, 0.25], [12, None]]))
    Losses
    rank  loss
    1     0.25
    12
    """

    head: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""

    def __str__(self) -> str:
        """Columns aligned to the right, the first to the left."""
        cells = [list(self.columns), *([_cell(value) for value in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ("  ".join(_placed(k, cell, widths[k]) for k, cell in enumerate(row)).rstrip() for row in cells)
        return "\n".join(filter(None, [self.head, *lines, self.note]))

    def html(self) -> str:
        """The same for notebooks; of more than 2·ENDS rows the first and the last.

        >>> Table("a < b", ["a"], [[1.0]]).html()
        '<p>a &lt; b</p><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'
        """
        lines = [_line("td", map(_cell, row)) for row in self.rows]
        left_out = len(lines) - 2 * ENDS
        if left_out > 0:
            lines[ENDS:-ENDS] = [_line("td", ["…"] * len(self.columns))]
        notes = [self.note] if self.note else []
        notes += [f"{len(self.rows):,} rows, {left_out:,} of them not shown."] if left_out > 0 else []
        body = f"<thead>{_line('th', self.columns)}</thead><tbody>{''.join(lines)}</tbody>"
        return f"<p>{escape(self.head)}</p><table>{body}</table>" + "".join(f"<p>{escape(note)}</p>" for note in notes)


class Tabular:
    """A result that notebooks show as a table, and that is one for pandas."""

    def _columns(self) -> Columns:
        """Names and values, all of one length, in the words of the attributes."""
        raise NotImplementedError

    def _table(self) -> Table:
        """What is shown: the first line of the repr over the columns, unless a result knows better."""
        columns = self._columns()
        return Table(repr(self).split("\n", maxsplit=1)[0], list(columns), list(zip(*columns.values(), strict=True)))

    def to_frame(self) -> Any:
        """A tidy pandas.DataFrame; the columns have the names of the attributes.

        Raises:
            ImportError: without pandas.

        >>> import linvariance as lv
        >>> m = lv.Moments.from_data([[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]])
        >>> lv.solve(lv.unconstrained(m, rank=2)).to_frame().round(12).values.tolist()
        [[1.0, 2.12132034356], [2.0, 0.707106781187]]
        """
        return needed("pandas", "to_frame()").DataFrame(dict(self._columns()))

    def _repr_html_(self) -> str:
        return self._table().html()


def attributes(rows: Sequence[object], names: Sequence[str]) -> Columns:
    """The columns of a table with one object a row."""
    return {name: [getattr(row, name) for row in rows] for name in names}


def _line(kind: str, cells: Any) -> str:
    return f"<tr>{''.join(f'<{kind}>{escape(cell)}</{kind}>' for cell in cells)}</tr>"


def _placed(k: int, cell: str, width: int) -> str:
    return cell.rjust(width) if k else cell.ljust(width)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):  # as are NumPy's of double precision
        return str(value)
    return "inf" if value == math.inf else f"{value:.4g}"
