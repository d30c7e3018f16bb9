"""Examples in docstrings are run, and every public name says what it is for."""

from __future__ import annotations

import doctest
import pkgutil
import re
from importlib import import_module

import pytest

import convexnn

# Those that export something; the command line is none.
PACKAGES = sorted(
    name
    for name in (f"convexnn.{entry.name}" for entry in pkgutil.iter_modules(convexnn.__path__) if entry.ispkg)
    if name != "convexnn.cli" and hasattr(import_module(name), "__all__")
)


def modules():
    for entry in pkgutil.walk_packages(convexnn.__path__, "convexnn."):
        if not entry.name.endswith(("_core", "__main__")):
            yield import_module(entry.name)


def test_examples_in_docstrings_print_what_they_say():
    tried = 0
    for module in modules():
        result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        assert result.failed == 0, module.__name__
        tried += result.attempted
    assert tried > 10


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(package):
    module = import_module(package)
    assert (module.__doc__ or "").strip()
    for name in module.__all__:
        value = getattr(module, name)
        if callable(value):
            text = (value.__doc__ or "").strip()
            assert text, f"{package}.{name}"
            assert not text.startswith(f"{name}("), f"{package}.{name} has only the docstring that dataclasses make"


def test_no_docstring_was_broken_like_a_string():
    """A line that ends in a stray quote, with the next one beginning with another."""
    for module in modules():
        for value in (module, *vars(module).values()):
            if getattr(value, "__module__", module.__name__) == module.__name__:
                text = getattr(value, "__doc__", None) or ""
                assert not re.search(r' "\n\s*"', text), f"{module.__name__}: {text[:60]}"
