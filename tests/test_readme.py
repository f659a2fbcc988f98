"""The Python examples of the README and of the page on other optimizers run as they are printed."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = {
    f"{page}, block {k}": block
    for page in ("README.md", "docs/other_optimizers.md")
    for k, block in enumerate(
        re.findall(
            r"^```python\n(.*?)^```",
            (ROOT / page).read_text(encoding="utf-8") if (ROOT / page).exists() else "",
            flags=re.DOTALL | re.MULTILINE,
        )
    )
}


def test_the_pages_have_examples():
    assert "README.md, block 0" in BLOCKS
    assert "docs/other_optimizers.md, block 2" in BLOCKS


@pytest.mark.parametrize("name", BLOCKS)
def test_the_example_runs_as_printed(name, tmp_path):
    """In an empty folder, warnings being errors; it says something."""
    for needed in {"torch", "jax"} & set(re.findall(r"^import (\w+)", BLOCKS[name], flags=re.MULTILINE)):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{name} needs {needed}, which is not installed")
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKS[name]],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
