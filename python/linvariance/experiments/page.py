"""HTML by hand: the skeleton of a page, its tables and its pictures."""

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.5rem; }
p, img { max-width: min(100%, 64rem); height: auto; }
table { display: block; overflow-x: auto; border-collapse: collapse; font-size: 14px; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #ddd; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.n { white-space: normal; }
td:nth-child(3) { white-space: nowrap; }
tr.first td { border-top: 2px solid #888; }
caption, .small { color: #555; font-size: 14px; text-align: left; overflow-wrap: anywhere; }
"""

TableRow = tuple[str, Sequence[str], Sequence[str]]
"""Class of the row ("" for none), its cells of text, its cells of numbers."""


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page, complete in itself but for the pictures beside it; empty parts leave no trace."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n</body>\n</html>\n"
    )


def table(texts: Sequence[str], numbers: Sequence[str], rows: Iterable[TableRow]) -> str:
    """A table whose head names the columns of text, then those of numbers.

    >>> print(table(["name"], ["value"], [("", ["a < b"], ["1"])]))
    <table>
    <thead><tr><th>name</th><th class="n">value</th></tr></thead>
    <tbody>
    <tr><td>a &lt; b</td><td class="n">1</td></tr>
    </tbody>
    </table>
    """

    def line(tag: str, words: Sequence[str], values: Sequence[str], kind: str = "") -> str:
        cells = [f"<{tag}>{escape(word)}</{tag}>" for word in words]
        cells += [f'<{tag} class="n">{escape(value)}</{tag}>' for value in values]
        return f'<tr class="{kind}">{"".join(cells)}</tr>' if kind else f"<tr>{''.join(cells)}</tr>"

    body = "\n".join(line("td", words, values, kind) for kind, words, values in rows)
    return f"<table>\n<thead>{line('th', texts, numbers)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def section(name: str, heading: str, title: str, *, inches: float, paragraphs: Iterable[str]) -> str:
    """A heading, the picture `name`.png of this width, what there is to say of it, and links to all its files."""
    files = ", ".join(f'<a href="{name}.{kind}">{name}.{kind}</a>' for kind in ("png", "csv", "json"))
    width = round(96 * inches)  # CSS pixels: text has the same size in every picture
    return (
        f'<h2 id="{name}">{escape(heading)}</h2>\n'
        f'<img src="{name}.png" width="{width}" alt="{escape(title)}">\n'
        + "".join(f"<p>{escape(text)}</p>\n" for text in paragraphs)
        + f'<p class="small">{files}</p>'
    )
