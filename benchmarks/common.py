"""What the benchmarks share: timing, the machine, and where results are stored."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import linvariance as lv

RESULTS = Path(__file__).parent / "results"


def seconds(function: Callable[[], object], at_least: float = 0.3, rounds: int = 5) -> float:
    """Median time of one call over `rounds` rounds of at least `at_least` seconds each, after one warm-up."""
    function()
    times = []
    for _ in range(rounds):
        calls, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < at_least:
            function()
            calls += 1
        times.append(spent / calls)
    return statistics.median(times)


def machine() -> dict[str, object]:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].split(": ")[1] if names else "unknown"
    return {"processor": model, "cores": os.cpu_count(), "system": platform.system(), **lv.show_config()}


def store(name: str, rows: dict[str, dict[str, float]]) -> None:
    """Prints a table and writes results/<name>.json."""
    width = max(map(len, rows))
    for label, row in rows.items():
        print(f"{label:<{width}}  " + "  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    RESULTS.mkdir(exist_ok=True)
    document = {"machine": machine(), "rows": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
