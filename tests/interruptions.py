"""Ctrl-C during long calls: how long it takes from the signal to the KeyboardInterrupt.

`python tests/interruptions.py 50` interrupts every call 50 times at random moments and prints a table.
"""

import subprocess
import sys
import textwrap

import numpy as np

MOMENTS = """
m = lv.Moments.from_data(rng.standard_normal((1500, {d})), rng.standard_normal((1500, 10)))
"""
SAMPLES = """
samples = lv.Samples(rng.standard_normal(({n}, 196)), np.eye(3)[rng.integers(3, size={n})])
p = lv.augmented(samples, lv.groups.image_dihedral(14), rank=3)
network = lv.Network([rng.standard_normal((15, 196)), rng.standard_normal((3, 15))], activation="tanh")
"""
BLOCK = """
p = lv.unconstrained(lv.Moments.from_data(rng.standard_normal((800, 1500)), rng.standard_normal((800, 2))), rank=2)
H = lv.hessian(p, lv.Network([rng.standard_normal((2, 1500)), np.eye(2)]))
v = rng.standard_normal(H.shape[0])
before, many = H @ v, np.tile(v, (8000, 1))
"""
SMALL = """
p = lv.unconstrained(lv.Moments.from_data(rng.standard_normal((30, 20)), rng.standard_normal((30, 5))), rank=3)
"""
OPERATOR = SAMPLES.format(n=5000) + "H = lv.hessian(p, network)\nv = rng.standard_normal(H.shape[0])\n"

CALLS = {
    # name: (what is made before, the long call, what holds afterwards)
    "train, moments": (SMALL, "lv.train(p, epochs=10**10, seeds=range(4), record=lv.Record(every=10**9))", ""),
    "train, samples": (
        "X = rng.standard_normal((200, 2)).astype(np.float32)\n"
        "p = lv.unconstrained(lv.Samples(X, X[:, 0] > 0), rank=1)",
        """lv.train(p, (2, 60, 60, 60, 1), activation="tanh", seeds=range(2), record=lv.Record(every=10**9), dtype="f4",
        epochs=10**10)""",
        "",
    ),
    "train, one long epoch of batches": (
        """X = rng.standard_normal((2 * 10**6, 2)).astype(np.float32)
p = lv.unconstrained(lv.Samples(X, X[:, 0] > 0), rank=1)""",
        """lv.train(p, (2, 60, 60, 60, 1), activation="tanh", seeds=range(2), dtype="f4", epochs=1,
        batches=lv.Batches(1))""",
        "",
    ),
    "path.evaluate": (
        MOMENTS.format(d=196) + "path = lv.regularization_path(m, lv.groups.image_rotations(14), rank=5)",
        "for _ in range(100): path.evaluate(np.geomspace(1e-3, 1e3, 10**4))",
        "",
    ),
    "path.jumps": (
        MOMENTS.format(d=196),
        "for _ in range(100): lv.regularization_path(m, lv.groups.image_rotations(14), rank=5).jumps",
        "",
    ),
    "Moments.from_data": (
        "X = rng.standard_normal((10**5, 500))",
        "lv.Moments.from_data(X, X[:, :5])",
        "",
    ),
    "solve": (MOMENTS.format(d=784), "lv.solve(lv.augmented(m, lv.groups.image_dihedral(28), rank=5))", ""),
    "average_moment": (
        "S = rng.standard_normal((2500, 2500)); S += S.T; rep = lv.groups.image_dihedral(50)",
        "for _ in range(100): rep.average_moment(S)",
        "",
    ),
    "critical points": (
        """m = lv.Moments.from_data(rng.standard_normal((90, 40)), rng.standard_normal((90, 30)))
p = lv.unconstrained(m, rank=15)""",
        "for point in lv.critical_points(p): point.weights",
        "",
    ),
    "hessian, one product": (
        SAMPLES.format(n=10**5) + "H = lv.hessian(p, network); v = np.ones(H.shape[0])",
        "H @ v",
        "",
    ),
    "hessian, a block on samples": (OPERATOR, "H._core.apply(np.tile(v, (100, 1)))", ""),
    "hessian, a block on moments": (BLOCK, "H._core.apply(many)", "assert (H @ v == before).all()"),
    "hessian, to_dense": (SAMPLES.format(n=2000) + "H = lv.hessian(p, network)", "H.to_dense()", ""),
    "extremes": (OPERATOR, "lv.curvature.extremes(H)", ""),
    "sharpness": (SAMPLES.format(n=5000), "lv.curvature.sharpness(p, [network])", ""),
    "sampled_density": (OPERATOR, "lv.curvature.sampled_density(H, rng=rng, probes=20)", ""),
    "trace and diagonal": (OPERATOR, "for _ in range(100): H.trace(), H.diagonal()", ""),
    "gradient_flow": (
        SMALL + "network = lv.train(p, epochs=1).network",
        "lv.dynamics.gradient_flow(p, network, np.linspace(0, 1e5, 5))",
        "",
    ),
    "select_symmetry": (
        """X = rng.standard_normal((2000, 196)); Y = X[:, :5]
reps = {"rotations": lv.groups.image_rotations(14), "dihedral": lv.groups.image_dihedral(14)}""",
        "lv.select_symmetry(X, Y, reps, softness=(0.0, 0.1, 0.3))",
        "",
    ),
    "select_rank": (
        MOMENTS.format(d=196) + "p = lv.unconstrained(m, rank=10)",
        "for _ in range(50): lv.select_rank(p)",
        "",
    ),
    "learning_curve": (
        "X = rng.standard_normal((4000, 196)); Y = X[:, :5]",
        "for _ in range(9): lv.learning_curve(X, Y, lv.groups.image_rotations(14), rank=3, strength=0.1)",
        "",
    ),
    "elements": ("rep = lv.groups.symmetric(10)", "rep.elements(limit=10**7)", ""),
    "isotypic": ("", "lv.groups.isotypic(lv.groups.image_rotations(24))", ""),
    "kernels.ntk": ("X = rng.standard_normal((4000, 100))", """lv.kernels.ntk(X, activation="tanh")""", ""),
    "kernels.augmented": (
        "X = rng.standard_normal((500, 196))\n"
        "K = lv.kernels.augmented(lv.kernels.ntk, lv.groups.image_translations(14, 14))",
        "K(X)",
        "",
    ),
    "nuclear_norm": (
        MOMENTS.format(d=196),
        "for _ in range(100): lv.nuclear_norm(lv.unconstrained(m, rank=10), strength=1e-3)",
        "",
    ),
}

SCRIPT = """
import signal, sys, time
import numpy as np, linvariance as lv
rng = np.random.default_rng(0)
{before}
signal.signal(signal.SIGALRM, signal.default_int_handler)  # as Ctrl-C, and the kernel sends it in time
for wait in map(float, sys.argv[1:]):
    due = time.perf_counter() + wait
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        while True:
{call}
    except KeyboardInterrupt:
        print(time.perf_counter() - due, flush=True)
    {after}
"""


def latencies(name, waits, timeout):
    """Seconds from each signal to its KeyboardInterrupt; calls that end sooner are begun again."""
    before, call, after = CALLS[name]
    script = SCRIPT.format(before=before, call=textwrap.indent(call, " " * 12), after=after)
    command = [sys.executable, "-c", script, *map(str, waits)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert run.returncode == 0, run.stderr
    return np.array([float(line) for line in run.stdout.split()])


def main(count, names):
    """A row for each call, and what all of them come to."""
    rng, names, every = np.random.default_rng(0), names or list(CALLS), []
    sys.stdout.write("| call | median, ms | worst, ms | within 200 ms |\n|---|---|---|---|\n")
    for name in names:
        found = 1000 * latencies(name, rng.uniform(0.02, 0.6, count), 3600)
        every.append(found)
        sys.stdout.write(
            f"| {name} | {np.median(found):.0f} | {found.max():.0f} | {np.sum(found <= 200)} of {len(found)} |\n"
        )
        sys.stdout.flush()
    worst, whole = names[int(np.argmax([one.max() for one in every]))], np.concatenate(every)
    sys.stdout.write(
        f"{len(whole)} interrupts of {len(names)} calls: {np.sum(whole <= 200)} within 200 ms, medians up to "
        f"{max(map(np.median, every)):.0f} ms; worst {whole.max():.0f} ms, {worst}.\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
