"""A picture, the table of the numbers in it, and where they come from: three files side by side."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linvariance import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

Row = tuple[str | int | float, ...]


@dataclass(frozen=True, eq=False)
class Exhibit:
    """Something drawn: the picture, its table (header and rows), a caption made from the numbers."""

    picture: "Picture"
    header: tuple[str, ...]
    rows: Sequence[Row]
    caption: str


def write(exhibit: Exhibit, name: str, record: Mapping[str, Any], folder: Path) -> None:
    """Write name.png, name.csv and, from the record, name.json."""
    plots.save(exhibit.picture, folder / f"{name}.png")
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(exhibit.header)
        writer.writerows(exhibit.rows)
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
