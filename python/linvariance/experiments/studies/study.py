"""A study of a user's own data: numbers and exhibits, written as files and one page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import linvariance as lv
from linvariance.experiments import files
from linvariance.experiments.code import versions
from linvariance.experiments.files import Exhibit
from linvariance.experiments.page import document, section, table
from linvariance.experiments.protocol import LOSS_SCALES
from linvariance.experiments.provenance import tools
from linvariance.experiments.staging import PAGE, staged
from linvariance.experiments.studies.data import Dataset, read
from linvariance.experiments.studies.group import parse
from linvariance.groups import Representation
from linvariance.groups.inspection import readable
from linvariance.progress import Track, untracked

SHOWN = 15  # rows of a table that are on the page, too; all are in its file


@dataclass(frozen=True, eq=False)
class Subject:
    """What is studied: data, the group that acts on their inputs, as it was asked for, and a bound on the rank."""

    data: Dataset
    group: str
    representation: Representation
    rank: int

    @classmethod
    def read(cls, path: Path, group: str, rank: int, targets: str | None = None) -> "Subject":
        """From a file and the text that stands for a group; OSError or ValueError if they do not fit."""
        data = read(path, targets)
        return cls(data, group, parse(group, data.X.shape[1]), rank)

    @cached_property
    def moments(self) -> lv.Moments:
        """Second moments of the data."""
        return lv.Moments.from_data(self.data.X, self.data.Y)

    @cached_property
    def order(self) -> str:
        """Order of the group, in words where it is no number."""
        try:
            return readable(self.representation.order())
        except ValueError:  # more elements than are enumerated
            return readable(None)

    def __str__(self) -> str:
        (n, inputs), outputs = self.data.X.shape, self.data.Y.shape[1]
        invariants = counted(self.representation.invariants.shape[0], "independent linear invariant")
        return (
            f"{counted(n, 'sample')} of {counted(inputs, 'input')} and {counted(outputs, 'output')} from "
            f"{self.data.source}. The group is {self.representation!r}, of order {self.order}, with {invariants}; "
            f"matrices have rank at most {self.rank}."
        )

    def record(self) -> dict[str, Any]:
        """Where it came from, ready for JSON."""
        return {
            "data": {
                "source": self.data.source,
                "n": len(self.data.X),
                "inputs": self.data.X.shape[1],
                "outputs": self.data.Y.shape[1],
                "sha256": self.data.sha256,
            },
            "group": {"asked": self.group, "is": repr(self.representation), "order": self.order},
            "rank": self.rank,
        }


@dataclass(frozen=True)
class Finding:
    """One number, or word, of the study and a remark that says what it means."""

    quantity: str
    value: str | int | float
    remark: str = ""


@dataclass(frozen=True)
class Part:
    """An exhibit that can be made: the name of its files, a title, whether the page shows rows of its table."""

    name: str
    title: str
    make: Callable[[], Exhibit]
    tabulated: bool = False


@dataclass(frozen=True)
class Study:
    """What `write` turns into a page; nothing is computed before.

    Attributes:
        name: of the command.
        title: of the page.
        subject: of the study.
        method: sentence that says what is studied.
        options: of the command besides those of the subject, None where not given.
        find: the numbers.
        parts: the exhibits.
    """

    name: str
    title: str
    subject: Subject
    method: str
    options: Mapping[str, str | int | float | None]
    find: Callable[[], Sequence[Finding]]
    parts: Sequence[Part]

    def record(self) -> dict[str, Any]:
        """Provenance, ready for JSON."""
        return {
            "command": self.name,
            "options": dict(self.options),
            **self.subject.record(),
            "loss_scale": LOSS_SCALES["squared"],
            "versions": versions(),
        }


def write(study: Study, out: Path, track: Track = untracked) -> Path:
    """Write the files of all parts and index.html into `out`, all or none; return the path of the page."""
    with staged(out) as stage:
        (findings,) = (study.find() for _ in track([study.name], "Solving"))
        exhibits = {part: part.make() for part in track(study.parts, "Drawing")}
        record = {"findings": [asdict(finding) for finding in findings], **study.record()}
        for part, exhibit in exhibits.items():
            files.write(exhibit, part.name, {"title": part.title, "caption": exhibit.caption, **record}, stage)
        (stage / PAGE).write_text(_page(study, findings, exhibits), encoding="utf-8")
    return out / PAGE


def _page(study: Study, findings: Sequence[Finding], exhibits: Mapping[Part, Exhibit]) -> str:
    return document(
        study.title,
        [
            f"<h1>{escape(study.title)}</h1>\n<p>{escape(str(study.subject))} {escape(study.method)}</p>",
            "<h2>Numbers</h2>",
            table(
                ("quantity", "meaning"),
                ("value",),
                [("", (found.quantity, found.remark), (words(found.value),)) for found in findings],
            ),
            f'<p class="small">{escape(LOSS_SCALES["squared"])}</p>',
            *map(_section, exhibits, exhibits.values()),
            _origin(study),
        ],
    )


def _section(part: Part, exhibit: Exhibit) -> str:
    shown = section(
        part.name, part.title, part.title, inches=exhibit.picture.get_figwidth(), paragraphs=(exhibit.caption,)
    )
    if not part.tabulated or not exhibit.rows:
        return shown
    more = len(exhibit.rows) - SHOWN
    note = f'\n<p class="small">{more} more in {part.name}.csv.</p>' if more > 0 else ""
    return f"{shown}\n{_first_rows(exhibit)}{note}"


def _first_rows(exhibit: Exhibit) -> str:
    """Columns up to the last one of text are set as text, those after it as numbers."""
    cut = max((k + 1 for k, value in enumerate(exhibit.rows[0]) if isinstance(value, str)), default=0)
    names = [name.replace("_", " ") for name in exhibit.header]
    cells = [[words(value) for value in row] for row in exhibit.rows[:SHOWN]]
    return table(names[:cut], names[cut:], [("", row[:cut], row[cut:]) for row in cells])


def _origin(study: Study) -> str:
    subject = study.subject
    return (
        f'<h2>Origin</h2>\n<p class="small">Data: {escape(subject.data.source)}; SHA-256 of X and Y '
        f"{subject.data.sha256}. Computed with {escape(tools())}.</p>"
    )


def words(value: str | float) -> str:
    """Six significant digits of a number that is not whole by nature.

    >>> words(2 / 3), words(0.5), words(0.0), words(12345678), words("proved")
    ('0.666667', '0.500000', '0', '12345678', 'proved')
    """
    if not isinstance(value, float):
        return str(value)
    return f"{value:#.6g}".removesuffix(".") if value else "0"


def kept(subset: Sequence[int]) -> str:
    """Numbers of singular values from 1, of numbers from 0.

    >>> kept((0, 1, 4)), kept(())
    ('1 2 5', 'none')
    """
    return " ".join(str(i + 1) for i in subset) or "none"


def yes(answer: bool) -> str:
    """A word for a table."""
    return "yes" if answer else "no"


def counted(count: int, name: str) -> str:
    """A number of things.

    >>> counted(0, "jump"), counted(1, "jump"), counted(2, "jump")
    ('no jumps', '1 jump', '2 jumps')
    """
    return f"{count or 'no'} {name}{'s' * (count != 1)}"
