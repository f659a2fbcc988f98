"""Writes the tables of README.md from results/*.json."""

import json

from common import RESULTS
from scaling import SWEEPS

README = RESULTS.parent / "README.md"
MARK = "<!-- written by report.py -->\n"


def cells_of(row: dict[str, float]) -> dict[str, str]:
    """Its numbers as text, times of any unit in one column."""
    times = [f"{number(row[unit])} {unit}" for unit in ("µs", "ms") if unit in row]
    return {"time": " ".join(times)} | {key: number(value) for key, value in row.items() if key not in ("µs", "ms")}


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def section(name: str) -> str:
    stored = json.loads((RESULTS / f"{name}.json").read_text())
    machine, rows = stored["machine"], stored["rows"]
    peaks = " / ".join(f"{value:.1f}" for value in machine["FMA peak, GFlop/s"].values())
    versions = ", ".join(f"{key} {machine[key]}" for key in ("numpy", "scipy", "jax", "torch") if key in machine)
    load = machine["load at the end"][0]
    facts = (
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, kernels {machine['kernels']} (of "
        f"{machine['kernel_levels']}), FMA peak {peaks} GFlop/s (float64 / float32), load {load:.1f}; "
        f"{machine['rounds']} rounds, peers on at most {machine['threads of peers, at most']} threads; {versions}."
    )
    cells = {label: cells_of(row) for label, row in rows.items()}
    columns = list(dict.fromkeys(key for row in cells.values() for key in row))
    lines = [f"| {name} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += (f"| {label} | {' | '.join(row.get(key, '') for key in columns)} |" for label, row in cells.items())
    return facts + "\n\n" + "\n".join(lines) + "\n"


def main():
    names = sorted(path.stem for path in RESULTS.glob("*.json") if not path.stem.startswith("scaling_"))
    head = README.read_text().split(MARK)[0]
    pictures = "".join(f"![Cost against {name}](figures/{name}.png)\n" for name in SWEEPS)
    README.write_text(head + MARK + "\n" + pictures + "\n" + "\n".join(map(section, names)))


if __name__ == "__main__":
    main()
