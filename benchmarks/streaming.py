"""Claim: moments of a memory map larger than one wants to hold, faster than LAPACK's QR of blocks in memory.

`python streaming.py 1e7` measures up to so many rows (1e6 unless told; 196 float32 columns, 8.2 GB for 1e7) in a file
of its own in TMPDIR, and Dask on one worker process after another, and stores; `python streaming.py draw` draws them
from what is stored. Where one thread works, times are of the processor, which depend less on the load.
"""

from common import RESULTS, peer, store  # isort: skip

import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.linalg.lapack import dgeqrf

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


class Lapack:
    """dgeqrf of blocks of rows [1, X, Y] that lie in memory, float64 in Fortran's order, at its best size of blocks.

    They are copied, since it overwrites them; merging the factors is left out.
    """

    def __init__(self):
        batch = np.random.default_rng(1).random((BATCH, 1 + D + OUTPUTS))
        ways = [[np.asfortranarray(batch[b]) for b in cut(BATCH, size)] for size in (1_250, 5_000, 50_000)]
        self.blocks = min(ways, key=lambda blocks: min(self.turn(blocks) for _ in range(3)))

    def turn(self, blocks=None) -> float:
        """CPU seconds for BATCH rows."""
        start = time.process_time()
        for block in blocks or self.blocks:
            dgeqrf(block.copy("F"), lwork=32 * block.shape[1], overwrite_a=True)
        return time.process_time() - start


@cache
def squares(path: str, rows: int) -> np.ndarray:
    X = mapped(Path(path), D)
    return sum(np.asarray(X[b], dtype=np.float64).T @ np.asarray(X[b], dtype=np.float64) for b in cut(rows)) / rows


def check(m: lv.Moments, X: np.ndarray):
    """Against sums of squares."""
    S = squares(str(X.base.filename), len(X))
    np.testing.assert_allclose(m.xx, S, rtol=0, atol=1e-12 * np.abs(S).max())


def against_rows(X: np.ndarray, Y: np.ndarray):
    """CPU seconds of one thread for ever more rows; the peer takes its turns between the batches."""
    most, table, peer = len(X), {}, Lapack()
    for rows in [n for n in (10**k for k in range(4, 9)) if n < most] + [most]:
        turns: list[float] = []
        with watched() as memory:
            start = time.process_time()
            m = lv.Moments.from_batches(interrupted(X[:rows], Y[:rows], lambda turns=turns: turns.append(peer.turn())))
            own = time.process_time() - start - sum(turns)
        check(m, X[:rows])
        assert memory[0] < LIMIT, f"{memory[0]:.0f} MB of anonymous memory"
        theirs = statistics.mean(turns) / BATCH * rows
        row = {"rows/s": rows / own, "LAPACK's rows/s": rows / theirs, "ratio": theirs / own, "MB": memory[0]}
        print(f"{rows:,} rows", row, flush=True)
        table[f"{rows:,} rows"] = row
        yield rows, {"from_batches": own, "LAPACK's QR of blocks in memory": theirs}
    store("streaming", table)


def interrupted(X: np.ndarray, Y: np.ndarray, turn):
    """Batches, and a turn of the peer after every eighth and the last."""
    parts = cut(len(X))
    for k, b in enumerate(parts, start=1):
        yield X[b], Y[b]
        if k % 8 == 0 or k == len(parts):
            turn()


def against_workers(paths: tuple[Path, Path], rows: int):
    """Seconds on clusters of ever more processes of one thread: by the clock, and of the busiest one's processor."""
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
            Client(cluster) as client,
        ):
            lv.Moments.from_dask(*(lazily(path, k)[:1000] for path, k in zip(paths, (D, OUTPUTS), strict=True)))
            start, busy = time.perf_counter(), client.run(time.process_time)
            m = lv.Moments.from_dask(lazily(paths[0], D), lazily(paths[1], OUTPUTS))
            clock, then = time.perf_counter() - start, client.run(time.process_time)
        check(m, mapped(paths[0], D))
        yield workers, {"clock": clock, "processor of the busiest": max(then[key] - busy[key] for key in busy)}


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

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", width_ratios=(3, 2))
    rows, workers = (
        json.loads((RESULTS / f"scaling_streaming_{name}.json").read_text())["rows"] for name in ("rows", "workers")
    )
    for way, mark in zip(next(iter(rows.values())), ("o-", "s--"), strict=True):
        left.loglog([int(at) for at in rows], [row[way] for row in rows.values()], mark, label=way, markersize=5)
    left.set(xlabel=f"rows of {D + OUTPUTS} float32 columns", ylabel="CPU seconds of one thread")
    for k, way in enumerate(next(iter(workers.values()))):
        bars = right.bar([int(at) + 0.36 * k - 0.18 for at in workers], [row[way] for row in workers.values()], 0.34)
        bars.set_label(way)
        right.bar_label(bars, fmt="%.0f")
    right.set(xlabel="worker processes of Dask", ylabel="seconds", xticks=[int(at) for at in workers])
    right.margins(y=0.3)
    for axes in (left, right):
        axes.grid(alpha=0.3, axis="y")
        axes.legend(fontsize=8, frameon=False)
    FIGURES.mkdir(exist_ok=True)
    figure.savefig(FIGURES / "streaming.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    draw() if sys.argv[1:] == ["draw"] else measure(int(float(sys.argv[1])) if sys.argv[1:] else 10**6)
