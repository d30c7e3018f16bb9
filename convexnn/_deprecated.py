"""Names of earlier releases, which still lead to the present ones."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["renamed"]


def renamed(package: str, name: str, table: Mapping[str, str]) -> Any:
    """What an old name of a package stands for now, with a DeprecationWarning that says how it is called.

    Parameters
    ----------
    package : str
    name : str
        As it was asked for.
    table : dict of str to str
        Old names and present ones.

    Raises
    ------
    AttributeError
        If the name is no old one.
    """
    if name not in table:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    present = table[name]
    warnings.warn(
        f"{package}.{name} is called {package}.{present} since 0.2; the old name will go in 0.3.",
        DeprecationWarning,
        stacklevel=3,
    )
    return getattr(import_module(package), present)
