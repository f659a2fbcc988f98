"""A sample of mutants: how many of cosmic-ray's changes to six modules fail the tests that are about them.

    python tests/mutants.py [how many: 300] [seed: 0] [only these of them: 17,43]

A place of the source is drawn, then one of the changes possible there. The mutant is written into a copy of the
package, imported from there, and tested in a process of its own. It is killed by a test or an import that fails, or
when it takes five times the processor time that the tests take without it. Nothing is drawn that no running program
can see (docstrings, annotations), nor what is refused at once and would flatter the rate: bitwise arithmetic on
floats, `is` for a comparison.
"""

import ast
import functools
import importlib
import importlib.util
import itertools
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cosmic_ray.ast
import cosmic_ray.plugins
import pytest
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).parents[1]
# The tests of each module, those that take little first.
ABOUT = {
    "arrays": "small_laws arrays moments",
    "problems": "small_laws edges problems ridge",
    "objectives.quadratics": "small_laws edges problems equivariance ridge",
    "objectives.spectra": "small_laws edges spectra path",
    "optima.path": "small_laws edges path",
    "landscape.saddles": "small_laws edges ties landscape",
}
QUICK = "not torch and not jax and not frames"  # what takes seconds to import
REFUSED = {"BitOr", "BitAnd", "BitXor", "LShift", "RShift", "Invert"}


def drawn(count, seed):
    """[(module, line, operator, source)] of `count` mutants, one at a place."""
    places = defaultdict(list)
    for module in ABOUT:
        source = source_of(module).read_text(encoding="utf-8")
        nodes = list(cosmic_ray.ast.ast_nodes(cosmic_ray.ast.get_ast(source)))
        for name in sorted(cosmic_ray.plugins.operator_names()):
            kind, _, new = name.removeprefix("core/").rpartition("_")
            if new in REFUSED or "Variable" in name or (new.startswith("Is") and "_Is" not in kind):
                continue
            operator = cosmic_ray.plugins.get_operator(name)()
            where = [start for node in nodes for start, _ in operator.mutation_positions(node)]
            for k, start in enumerate(where):
                places[module, start].append((name, k))
    rng = random.Random(seed)
    for module, start in rng.sample(sorted(places), len(places)):
        name, k = rng.choice(places[module, start])
        source = source_of(module).read_text(encoding="utf-8")
        mutant = mutate_code(source, cosmic_ray.plugins.get_operator(name)(), k)
        if behaviour(mutant) not in (None, behaviour(source)):
            yield module, start[0], name.removeprefix("core/"), mutant
            count -= 1
            if not count:
                return


def source_of(module, package=ROOT / "python" / "linvariance"):
    return package.joinpath(*module.split(".")).with_suffix(".py")


@functools.cache
def behaviour(source):
    """The syntax tree without docstrings and annotations; None if there is none."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        for name in {"annotation", "returns"} & set(node._fields):
            setattr(node, name, None)
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body[0] = ast.Pass()
    return ast.dump(tree)


def survives(module, package, log, seconds=600.0):
    """Whether the module is imported from `package` and passes its tests, and the processor's seconds for that."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if not child:
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
            resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(1, 2)
            loaded = importlib.import_module(f"linvariance.{module}")
            assert loaded.__file__ == str(source_of(module, package)), loaded.__file__
            files = [f"tests/test_{name}.py" for name in ABOUT[module].split()]
            files.append(f"tests/test_docs.py::test_doctests[linvariance.{module}]")
            code = pytest.main(["-xq", "-pno:cacheprovider", "-pno:xdist", "-k", QUICK, *files])
        except BaseException as error:  # killed: an import that fails
            sys.stdout.write(repr(error))
            code = 1
        sys.stdout.flush()
        os._exit(int(code))
    deadline = time.monotonic() + 40 * seconds  # a mutant that waits takes no processor time
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.02)
    if not done[0]:
        os.killpg(child, signal.SIGKILL)
        done = os.waitpid(child, 0)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done[1] == 0, end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


def main(count=300, seed=0, only=""):
    chosen = {int(k) for k in only.split(",") if k}
    sample = [mutant for k, mutant in enumerate(drawn(int(count), int(seed))) if not chosen or k in chosen]
    numbers = sorted(chosen) or range(len(sample))
    os.environ.update(HYPOTHESIS_PROFILE="few", OPENBLAS_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        package, log = Path(folder, "linvariance"), Path(folder, "log")
        shutil.copytree(Path(importlib.util.find_spec("linvariance").origin).parent, package)
        shutil.copytree(ROOT / "python" / "linvariance", package, dirs_exist_ok=True)
        for cached in package.rglob("__pycache__"):
            shutil.rmtree(cached)
        os.environ["PYTHONPATH"] = folder
        sys.path.insert(0, folder)
        for name in ("scipy.linalg", "scipy.optimize", "scipy.sparse.linalg"):
            importlib.import_module(name)  # once, not in every child
        usual = {}
        for module in sorted({mutant[0] for mutant in sample}):
            passes, usual[module] = survives(module, package, log)
            assert passes, f"{module} fails without a mutation:\n{log.read_text()}"
            say(f"{module}: its tests take {usual[module]:.1f} s")
        alive = defaultdict(list)
        for k, (module, line, operator, mutant) in zip(numbers, sample, strict=True):
            place = source_of(module, package)
            whole = place.read_text(encoding="utf-8")
            place.write_text(mutant, encoding="utf-8")
            alive[module].append(survives(module, package, log, 5 * usual[module] + 10)[0])
            place.write_text(whole, encoding="utf-8")
            if alive[module][-1]:
                say(f"{k} survives: {module}:{line} {operator}\n    {differing(whole, mutant)}")
    for module, found in [*sorted(alive.items()), ("all", list(itertools.chain.from_iterable(alive.values())))]:
        say(f"{module}: {found.count(False)} of {len(found)} killed, {found.count(False) / len(found):.1%}")


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def differing(before, after):
    return next(new.strip() for old, new in zip(before.splitlines(), after.splitlines(), strict=False) if old != new)


if __name__ == "__main__":
    main(*sys.argv[1:])
