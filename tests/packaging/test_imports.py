"""Importing the package, and asking for help, must not load what is not needed: both answer at once."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from importlib.metadata import entry_points, version
from importlib.resources import files

import pytest

import convexnn

HEAVY = ("numpy", "scipy", "sklearn", "cvxpy", "matplotlib", "torch", "pandas", "pyarrow", "safetensors")
REPORT = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`.

    -P: the installed package is meant, not a source tree in the current folder.
    """
    done = subprocess.run([sys.executable, "-P", "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.strip().split("\n")[-1]))


def test_import_loads_nothing_heavy():
    assert not modules_after("import convexnn; dir(convexnn)") & set(HEAVY)


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = f"from convexnn.cli import main\ntry: main({arguments!r})\nexcept SystemExit as end: assert not end.code"
    loaded = modules_after(code)
    assert "click" in loaded
    assert not loaded & set(HEAVY)


def test_training_does_not_load_scikit_learn_or_plots():
    code = "import convexnn; convexnn.train([[0.0], [1.0], [2.0]], [0.0, 1.0, 0.0], beta=0.1)"
    assert not modules_after(code) & {"sklearn", "matplotlib", "torch", "pandas", "cvxpy"}


def test_certificates_load_no_solver():
    code = (
        "import numpy as np, convexnn\n"
        "net = convexnn.ReLUNetwork(np.ones((1, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1))\n"
        "convexnn.certify(net, [[0.0], [1.0], [2.0]], [0.0, 1.0, 0.0], beta=0.1)\n"
        "import sys; assert not [m for m in sys.modules if m.startswith('convexnn.training')]"
    )
    assert not modules_after(code) & {"clarabel", "scs", "ecos", "piqp", "cvxpy", "sklearn"}


def test_public_names_resolve_and_are_documented():
    for name in convexnn.__all__:
        value = getattr(convexnn, name)
        assert name.startswith("__") or (value.__doc__ or "").strip(), name
    assert set(convexnn.__all__) == set(dir(convexnn))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = convexnn.nonsense


@pytest.mark.parametrize("package", ["convexnn", "convexnn.refine"])
@pytest.mark.parametrize(
    ("old", "new"), [("thin", "prune"), ("read_network", "from_module"), ("write_network", "to_module")]
)
def test_old_names_lead_to_the_present_ones(package, old, new):
    module = importlib.import_module(package)
    with pytest.warns(DeprecationWarning, match=f"{old} is called {package}.{new} since 0.2"):
        assert getattr(module, old) is getattr(module, new)
    assert old not in module.__all__
    with pytest.raises(AttributeError, match="nonsense"):
        _ = module.nonsense


def test_types_are_handed_on():
    """The marker of PEP 561, and the public names where type checkers look for them."""
    assert files("convexnn").joinpath("py.typed").is_file()
    tree = ast.parse(files("convexnn").joinpath("__init__.py").read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        name.asname: f"{node.module}.{name.name}"
        for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names
    }  # fmt: skip
    assert set(seen) == set(convexnn.__all__) - {"__version__"}
    for name, path in seen.items():
        module, _, attribute = path.rpartition(".")
        assert getattr(importlib.import_module(module), attribute) is getattr(convexnn, name)


def test_version_and_command_are_those_of_the_package():
    assert convexnn.__version__ == version("convexnn")
    (script,) = entry_points(group="console_scripts", name="convexnn")
    assert script.value == "convexnn.cli:main"
