"""What computes: the versions of libraries, and one hash of them with the package's own source and compiled core."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

import linvariance as lv
from linvariance import _core

PACKAGE = Path(lv.__file__).parent


def versions() -> dict[str, str]:
    """What computed and drew: versions, and how the core was built."""
    return {**lv.show_config(), "matplotlib": version("matplotlib"), "pillow": version("pillow")}


@cache
def code() -> str:
    """A hash of whatever may change a result: no change of source, core, library or instruction set goes unseen."""
    found = hashlib.sha256(json.dumps(versions(), sort_keys=True).encode())
    # The core by its own path: an editable install keeps it elsewhere.
    for path in (Path(_core.__file__), *sorted(PACKAGE.rglob("*.py")), *sorted(PACKAGE.rglob("*.json"))):
        content = path.read_bytes()
        found.update(f"{path.name} {len(content)}\n".encode() + content)
    return found.hexdigest()
