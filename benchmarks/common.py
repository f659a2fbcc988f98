"""What the benchmarks share: the race, the machine and its peak, and where results are stored. Import it first."""

import os

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.pop(name, None)  # peers get what their library chooses; the number of threads is set below
JAX_THREADS = os.environ.get("JAX_THREADS", "1")
if JAX_THREADS == "1":
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import ctypes  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from contextlib import suppress  # noqa: E402
from datetime import date  # noqa: E402
from importlib import import_module  # noqa: E402
from importlib.metadata import PackageNotFoundError, version  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

import linvariance as lv  # noqa: E402

threadpool_limits(1, user_api="blas")  # ours, and NumPy's where `on_threads` allows no more
RESULTS = Path(__file__).parent / "results"
ROUNDS = int(os.environ.get("ROUNDS", "7"))
AT_LEAST = float(os.environ.get("SECONDS", "0.1"))  # of one timed stretch
PAUSE = 0.2  # seconds; OpenBLAS' threads spin for about half of that
PEER_THREADS = int(os.environ.get("PEER_THREADS", "2"))  # at most; with 1 a busy machine is bearable

Work = Callable[[int], object]  # does its unit of work so many times; with 0 only what comes before and after
Rows = dict[str, dict[str, float]]


def peer(module: str):
    """The module, or None after saying that this peer is left out."""
    try:
        return import_module(module)
    except ImportError as error:
        print(f"{module}: left out ({error})")
        return None


def repeat(function: Callable[[], object]) -> Work:
    def work(times: int) -> None:
        for _ in range(times):
            function()

    return work


def spent(work: Work, times: int) -> float:
    start = time.perf_counter()
    work(times)
    return time.perf_counter() - start


def race(
    runners: dict[str, Work], rounds: int = ROUNDS, at_least: float = AT_LEAST, tries: int = 3
) -> dict[str, float]:
    """Median seconds of a unit of each runner's work, setting up taken out, all of them once in every round.

    Before each is a pause, in which the threads that the last one left waiting fall asleep.
    """
    counts = {name: _enough(work, at_least) for name, work in runners.items()}
    whole: dict[str, list[float]] = {name: [] for name in runners}
    setup: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, work in runners.items():
            time.sleep(PAUSE)
            setup[name].append(spent(work, 0))
            whole[name].append(spent(work, counts[name]))
    median = statistics.median
    net = {name: median(whole[name]) - median(setup[name]) for name in runners}
    drowned = [name for name in runners if net[name] < 0.3 * median(whole[name])]
    if drowned and tries > 1:
        return race(runners, rounds, 4 * at_least, tries - 1)
    if drowned:
        print(f"of little worth, as setting up takes most of the time: {', '.join(drowned)}")
    return {name: net[name] / counts[name] for name in runners}


def _enough(work: Work, at_least: float) -> int:
    """A count that takes `at_least` and twice as long as setting up does."""
    work(1)
    setup = statistics.median(spent(work, 0) for _ in range(3))
    wanted, times = max(at_least, 2 * setup), 1
    while (taken := min(spent(work, times), spent(work, times)) - setup) < wanted:
        times = max(times + 1, int(times * min(10.0, 1.2 * wanted / max(taken, 1e-9))))
    return times


def better(make: Callable[[int], Work]) -> tuple[int, Work]:
    """The number of threads, 1 or 2, with which `make(threads)` is faster, and that work."""
    if PEER_THREADS == 1:
        return 1, make(1)
    rivals = {threads: make(threads) for threads in (1, 2)}
    times = race({str(threads): work for threads, work in rivals.items()}, rounds=2)
    threads = min(rivals, key=lambda threads: times[str(threads)])
    return threads, rivals[threads]


def on_threads(work: Work) -> Callable[[int], Work]:
    """A NumPy runner's work on so many threads of its BLAS."""

    def make(threads: int) -> Work:
        def limited(times: int) -> object:
            with threadpool_limits(threads, user_api="blas"):
                return work(times)

        return limited

    return make


def agree(runners: dict[str, Work], times: int, atol: float) -> None:
    """All must have come to the same arrays after so many units."""
    wanted, *rest = [[np.asarray(W) for W in work(times)] for work in runners.values()]
    for name, found in zip(list(runners)[1:], rest, strict=True):
        for W, twin in zip(wanted, found, strict=True):
            np.testing.assert_allclose(twin, W, rtol=0, atol=atol * max(1.0, np.abs(W).max()), err_msg=name)


def table(case: str, times: dict[str, float], unit: str = "µs", **more: float) -> Rows:
    """A row for each runner; the first is ours, and the others say how many times longer they took."""
    scale, ours = {"µs": 1e6, "ms": 1e3}[unit], next(iter(times))
    rows = {f"{case}: {name}": {unit: scale * t, "ratio": t / times[ours]} for name, t in times.items()}
    rows[f"{case}: {ours}"] |= more
    for label in rows:
        if label.startswith(f"{case}: "):
            print(label, *(f"{key} {value:.4g}" for key, value in rows[label].items()), sep="  ", flush=True)
    return rows


def peak(dtype: str = "float64") -> float:
    """Operations a second of independent multiply-adds in registers on one thread, NaN without a compiler."""
    try:
        flags = ["-O3", "-march=native", "-ffp-contract=fast"]
        run = getattr(compiled([Path(__file__).with_name("peak.cpp")], flags), f"chain_{dtype}")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"FMA peak: left out ({error})")
        return float("nan")
    run.restype, run.argtypes = ctypes.c_long, [ctypes.c_long]
    run(10_000)
    turns = 300_000
    return max(run(turns) / spent(run, turns) for _ in range(20))


def compiled(sources: Sequence[Path], flags: Sequence[str]) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library.so"
        subprocess.run(["g++", "-shared", "-fPIC", *flags, *sources, "-o", library], check=True)
        return ctypes.CDLL(library)


def machine() -> dict[str, object]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())
    versions = {}
    for name in ("jax", "torch", "curvlinops-for-pytorch"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {
        "date": date.today().isoformat(),
        "processor": model,
        "cores": os.cpu_count(),
        "load at the end": os.getloadavg(),
        "FMA peak, GFlop/s": {dtype: peak(dtype) / 1e9 for dtype in ("float64", "float32")},
        "rounds": ROUNDS,
        "threads of peers, at most": PEER_THREADS,
        "threads of JAX": JAX_THREADS,
        **lv.show_config(),
        **versions,
    }


def store(name: str, rows: Rows) -> None:
    """Writes results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    document = {"machine": machine(), "rows": rows}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def chosen(cases: Sequence[str]) -> list[str]:
    """Those that the command line names, or all."""
    return [case for case in cases if any(word in case for word in sys.argv[1:])] if sys.argv[1:] else list(cases)
