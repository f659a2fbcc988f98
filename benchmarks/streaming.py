"""Moments of a memory map larger than one wants to hold: rows a second beside LAPACK's QR, memory, and workers.

`python streaming.py 1e7` measures up to so many rows (1e6 unless told; 196 float32 columns, 7.8 GB for 1e7) in a file
of its own in TMPDIR, and stores; `python streaming.py draw` makes the pictures from what is stored.
"""

from common import RESULTS, peer, spent, store  # isort: skip

import json
import os
import re
import sys
import tempfile
import threading
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

import linvariance as lv

FIGURES = Path(__file__).parent / "figures"
D, OUTPUTS, BATCH = 196, 9, 50_000
LIMIT = 500.0  # MB of anonymous memory above the baseline


def cut(rows: int, size: int = BATCH):
    return [slice(start, stop) for start, stop in pairwise([*range(0, rows, size), rows])]


def write(rows: int, folder: Path) -> tuple[Path, Path]:
    rng, paths = np.random.default_rng(0), (folder / "X.f32", folder / "Y.f32")
    with paths[0].open("wb") as inputs, paths[1].open("wb") as targets:
        for block in cut(rows):
            X = rng.random((block.stop - block.start, D), dtype=np.float32)
            X.tofile(inputs)
            (X[:, :OUTPUTS] + rng.standard_normal((len(X), OUTPUTS), dtype=np.float32)).tofile(targets)
    return paths


def mapped(path: Path, columns: int) -> np.ndarray:
    return np.memmap(path, np.float32, "r").reshape(-1, columns)


def anonymous() -> float:
    """MB of this process that are no file's."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


@contextmanager
def watched():
    """Yields a list that holds, afterwards, the highest anonymous memory above that before."""
    before, found, done = anonymous(), [0.0], threading.Event()

    def look():
        while not done.wait(0.005):
            found[0] = max(found[0], anonymous() - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


def lapack(rows: int):
    """R of [1, X, Y] batch after batch, already in memory in float64; merging the R comes free."""
    block = np.random.default_rng(1).random((BATCH, 1 + D + OUTPUTS))
    return min(spent(lambda _: np.linalg.qr(block, "r"), 1) for _ in range(3)) * rows / BATCH


def check(m: lv.Moments, X: np.ndarray):
    """Against sums of squares."""
    S = sum(np.asarray(X[b], dtype=np.float64).T @ np.asarray(X[b], dtype=np.float64) for b in cut(len(X)))
    np.testing.assert_allclose(m.xx, S / len(X), rtol=0, atol=1e-12 * np.abs(S).max() / len(X))


def against_rows(X: np.ndarray, Y: np.ndarray):
    """Seconds, MB and rows a second, for ever more rows."""
    most, table = len(X), {}
    for rows in [n for n in (10**k for k in range(4, 9)) if n < most] + [most]:
        ways = {
            "from_batches": lambda n=rows: lv.Moments.from_batches((X[b], Y[b]) for b in cut(n)),
            "from_data": lambda n=rows: lv.Moments.from_data(X[:n], Y[:n]),
        }
        reference = lapack(rows)
        row = {"LAPACK's QR of batches in memory": reference}
        for name, way in ways.items():
            results = []
            with watched() as memory:
                row[name] = spent(lambda _, way=way, results=results: results.append(way()), 1)
            check(results[0], X[:rows])
            assert memory[0] < LIMIT, f"{name} took {memory[0]:.0f} MB of anonymous memory"
            table[f"{name}, {rows:.0e} rows"] = {
                "rows/s": rows / row[name],
                "ratio to LAPACK": reference / row[name],
                "MB": memory[0],
            }
            print(f"{name}, {rows:.0e} rows", table[f"{name}, {rows:.0e} rows"], flush=True)
        yield rows, row
    store("streaming", table)


def against_workers(paths: tuple[Path, Path], rows: int):
    """Seconds on clusters of ever more processes of one thread."""
    if not (peer("distributed") and peer("dask.array")):
        return
    import dask
    import dask.array as da
    from distributed import Client, LocalCluster

    def lazily(path: Path, columns: int):
        read = dask.delayed(lambda b: mapped(path, columns)[b])
        parts = [da.from_delayed(read(b), (b.stop - b.start, columns), np.float32) for b in cut(rows)]
        return da.concatenate(parts)

    for workers in range(1, (os.cpu_count() or 1) + 1):
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address=None) as cluster,
            Client(cluster),
        ):
            lv.Moments.from_dask(*(lazily(path, k)[:1000] for path, k in zip(paths, (D, OUTPUTS), strict=True)))
            run = lambda _: lv.Moments.from_dask(lazily(paths[0], D), lazily(paths[1], OUTPUTS))  # noqa: E731
            yield workers, {"from_dask": spent(run, 1)}


def measure(rows: int):
    with tempfile.TemporaryDirectory() as folder:
        paths = write(rows, Path(folder))
        X, Y = mapped(paths[0], D), mapped(paths[1], OUTPUTS)
        for name, sweep in {"rows": against_rows(X, Y), "workers": against_workers(paths, rows)}.items():
            found = {}
            for at, seconds in sweep:
                found[str(at)] = seconds
                print(name, at, *(f"{way} {t:.3g} s" for way, t in seconds.items()), sep="  ", flush=True)
            store(f"scaling_streaming_{name}", found)


def draw():
    import matplotlib.pyplot as plt

    FIGURES.mkdir(exist_ok=True)
    for name in ("rows", "workers"):
        rows = json.loads((RESULTS / f"scaling_streaming_{name}.json").read_text())["rows"]
        figure, axes = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
        for way in next(iter(rows.values())):
            axes.loglog([int(at) for at in rows], [row[way] for row in rows.values()], "o-", label=way, markersize=4)
        axes.set(xlabel={"rows": "rows of 196 columns", "workers": "worker processes"}[name], ylabel="seconds")
        if name == "workers":
            axes.set_xticks([int(at) for at in rows], list(rows))
            axes.xaxis.set_minor_locator(plt.NullLocator())
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        figure.savefig(FIGURES / f"streaming_{name}.png", dpi=110)
        plt.close(figure)


if __name__ == "__main__":
    draw() if sys.argv[1:] == ["draw"] else measure(int(float(sys.argv[1])) if sys.argv[1:] else 10**6)
