"""What `test_dask` runs in a process of its own: moments on a cluster of which a worker is killed, and a sweep."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as dask sets it for workers: the same bits need the same BLAS

import dask
import dask.array as da
import joblib
import numpy as np
from distributed import Client, LocalCluster

import linvariance as lv

BLOCKS, ROWS, COLUMNS = 24, 500, 30


def block(k, folder, pause):
    """Rows of [X, Y], and a file that says who made them."""
    if folder is not None:
        (Path(folder) / f"block-{k}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(pause)
    return np.random.default_rng(k).standard_normal((ROWS, COLUMNS))


def moments(folder=None, pause=0.0):
    make = dask.delayed(block)
    parts = [da.from_delayed(make(k, folder, pause), (ROWS, COLUMNS), float) for k in range(BLOCKS)]
    table = da.concatenate(parts)
    return lv.Moments.from_dask(table[:, :-3], table[:, -3:])


def kill(pid, folder, died):
    """The process, as soon as it has made two blocks and is at the third."""
    while len(list(folder.glob(f"block-*-{pid}-*"))) < 3:
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    died.append(pid)


def same_bits(a, b):
    return a.n == b.n and np.array_equal(a.factor, b.factor)


def sweep(m):
    """Runs of `train`, on whatever backend joblib is told to use."""
    rep = lv.groups.cyclic(m.inputs)
    problems = [lv.regularized(m, rep, rank=2, strength=10.0**k) for k in range(-2, 2)]
    return joblib.Parallel()(joblib.delayed(lv.train)(p, epochs=50, threads=1) for p in problems)


def main(folder):
    with dask.config.set(scheduler="synchronous"):
        expected = moments()
    died = []
    with (
        LocalCluster(
            n_workers=3, threads_per_worker=1, memory_limit=0, dashboard_address=None, local_directory=folder
        ) as cluster,
        Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))
        killer = threading.Thread(target=kill, args=(victim, folder, died), daemon=True)
        killer.start()
        m = moments(str(folder), 0.15)
        killer.join(5)
        with joblib.parallel_config(backend="dask"):
            traces = sweep(m)
    made = [path.name.split("-")[1] for path in folder.glob("block-*")]
    found = {
        "killed": victim,
        "died": died,
        "computed again": len(made) - BLOCKS,
        "same bits": same_bits(m, expected),
        "sweep on the cluster is the sweep here": all(
            np.array_equal(a.loss, b.loss) and np.array_equal(a.network.flat, b.network.flat)
            for a, b in zip(traces, sweep(m), strict=True)
        ),
    }
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
