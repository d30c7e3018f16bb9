"""Losses by name, with an optional parameter: "huber", "huber(0.5)", "quantile(0.9)"."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from convexnn._registry import Registry
from convexnn.exceptions import ParameterError

__all__ = ["LOSSES", "LossRegistry"]

_CALL = re.compile(r"\s*(\w+)\s*\(\s*([^()\s]+)\s*\)\s*")


class LossRegistry(Registry):
    """A registry whose entries may be followed by one number in parentheses.

    Parameters
    ----------
    entries : dict of str to str
        Name to ``"module:class"``.
    parameters : dict of str to str
        The constructor argument which the number of an entry sets.
    """

    def __init__(self, entries: dict[str, str], parameters: dict[str, str]) -> None:
        super().__init__("loss", entries)
        self._parameters = parameters

    def __getitem__(self, name: str) -> Any:
        base, value = self._parse(name)
        found = super().__getitem__(base)
        return found if value is None else partial(found, **{self._parameters[base]: value})

    def __contains__(self, name: object) -> bool:
        try:
            self.check(name)
        except ParameterError:
            return False
        return True

    def check(self, name: object) -> None:
        """Raise :class:`ParameterError` unless `name` is an entry, with a number only where one is taken."""
        super().check(self._parse(name)[0])

    def _parse(self, name: object) -> tuple[Any, float | None]:
        match = _CALL.fullmatch(name) if isinstance(name, str) else None
        if match is None:
            return name, None
        base, text = match.groups()
        super().check(base)
        if base not in self._parameters:
            taking = ", ".join(f"'{entry}({argument})'" for entry, argument in self._parameters.items())
            raise ParameterError(f"loss={name!r}: {base!r} takes no parameter; only {taking} do.")
        try:
            return base, float(text)
        except ValueError:
            raise ParameterError(
                f"loss={name!r}: {text!r} is not a number; write for instance '{base}(0.5)'."
            ) from None


LOSSES = LossRegistry(
    {
        "squared": "convexnn.losses.squared:Squared",
        "huber": "convexnn.losses.huber:Huber",
        "quantile": "convexnn.losses.quantile:Quantile",
        "poisson": "convexnn.losses.poisson:Poisson",
        "logistic": "convexnn.losses.logistic:Logistic",
        "squared_hinge": "convexnn.losses.squared_hinge:SquaredHinge",
        "hinge": "convexnn.losses.hinge:Hinge",
        "softmax": "convexnn.losses.softmax:Softmax",
    },
    parameters={"huber": "delta", "quantile": "level"},
)
