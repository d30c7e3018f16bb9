"""The page on extending the package, done word for word in a copy of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import convexnn
from convexnn import _core as core

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "extend.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the pages lie in the source tree only")
BLOCKS = re.findall(r"```python\n# (.*?)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if PAGE.exists() else []


def sections() -> dict[str, list[tuple[str, str]]]:
    """Blocks of each section, by the heading."""
    parts = re.split(r"\n## ", PAGE.read_text("utf-8"))
    found = {part.partition("\n")[0]: re.findall(r"```python\n# (.*?)\n(.*?)```", part, re.DOTALL) for part in parts}
    return {title: blocks for title, blocks in found.items() if blocks}


@pytest.fixture
def copy(tmp_path):
    """The package as a folder that may be edited."""
    target = tmp_path / "convexnn"
    shutil.copytree(Path(convexnn.__file__).parent, target, ignore=shutil.ignore_patterns("__pycache__", "_core.*.so"))
    shutil.copy(core.__file__, target)
    # An editable installation answers imports before any folder is searched.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.meta_path[:] = [f for f in sys.meta_path if 'ScikitBuildRedirect' not in type(f).__name__]\n"
    )
    return tmp_path


def apply(folder: Path, order: str, text: str) -> None:
    """Write a new file, or insert lines below a line of an old one, as the first line of a block says."""
    if order.startswith("new file "):
        target = folder / order.removeprefix("new file ")
        assert not target.exists()
        target.write_text(text, encoding="utf-8")
        return
    name, how, anchor = re.fullmatch(r"in (\S+), (below|in place of) (.*)", order).groups()
    content = (folder / name).read_text("utf-8")
    assert content.count(anchor) == 1, anchor
    new = f"{anchor}\n{text}".removesuffix("\n") if how == "below" else text.strip()
    (folder / name).write_text(content.replace(anchor, new), encoding="utf-8")


def run(folder: Path, *command: str) -> str:
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def extend(folder: Path, title: str) -> int:
    """Do what a section says; the number of files that were touched."""
    blocks = sections()[title]
    for order, text in blocks:
        if order == "try it":
            run(folder, "-c", text)
        else:
            apply(folder, order, text)
    return len({order.replace("new file ", "in ").split(",")[0] for order, _ in blocks} - {"try it"})


def test_a_loss_passes_the_contract_of_all_losses(copy):
    assert extend(copy, "A loss") == 2
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__", "unit", "estimators"))
    found = run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(copy),
        "-o", "pythonpath=tests", "tests/contracts/test_losses.py", "-k", "expectile",
    )  # fmt: skip
    assert re.search(r"\b([2-9]\d|1\d\d) passed", found), found


def test_an_export_format(copy):
    assert extend(copy, "An export format") == 2
    assert str(copy) in run(copy, "-c", "import convexnn.network as n; print(n.__file__)")


def test_an_oracle(copy):
    assert extend(copy, "An oracle") == 2


def test_every_block_is_done():
    assert set(sections()) == {"A loss", "An export format", "An oracle"}
    assert len(BLOCKS) == sum(map(len, sections().values()))
