"""Writes the tables of README.md from results/*.json."""

import json

from common import RESULTS

README = RESULTS.parent / "README.md"
MARK = "<!-- written by report.py -->\n"


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
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    lines = [f"| {name} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for label, row in rows.items():
        cells = (f"{row[key]:.3g}" if key in row else "" for key in columns)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return facts + "\n\n" + "\n".join(lines) + "\n"


def main():
    names = sorted(path.stem for path in RESULTS.glob("*.json") if not path.stem.startswith("scaling_"))
    head = README.read_text().split(MARK)[0]
    README.write_text(head + MARK + "\n" + "\n".join(map(section, names)))


if __name__ == "__main__":
    main()
