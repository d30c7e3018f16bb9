"""Named choices that are imported on first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from convexnn.exceptions import ParameterError


class Registry(Mapping[str, Any]):
    """Map a public name to an object given as ``"module:attribute"``.

    Parameters
    ----------
    kind : str
        What the entries are, for error messages ("loss", "solver").
    entries : dict of str to str
        Import paths; nothing is imported before an entry is asked for.
    """

    def __init__(self, kind: str, entries: Mapping[str, str]) -> None:
        self._kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Any:
        self.check(name)
        module, _, attribute = self._entries[name].partition(":")
        return getattr(import_module(module), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def check(self, name: object) -> None:
        """Raise :class:`ParameterError` unless `name` is an entry."""
        if not isinstance(name, str) or name not in self._entries:
            known = ", ".join(repr(k) for k in self._entries)
            raise ParameterError(f"{self._kind}={name!r} is unknown; choose one of {known}.")
