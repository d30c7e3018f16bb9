"""Losses by name, with an optional parameter: "huber", "huber(0.5)", "quantile(0.9)"."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from convexnn._registry import Registry
from convexnn.exceptions import ParameterError

__all__ = ["LOSSES", "LossRegistry", "current_name"]

# Names of version 0.1 that are called otherwise since 0.2. "logistic" was also the loss of several columns of labels.
_RENAMED = {"squared": "squared_error", "logistic": "log_loss", "softmax": "log_loss"}
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
        self.check(base)
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
        base = self._parse(name)[0]
        if isinstance(base, str) and base in _RENAMED:
            other = ", 'log_loss_multilabel' for labels -1 and +1 in several columns" if base == "logistic" else ""
            raise ParameterError(f"loss={name!r} is called {_RENAMED[base]!r} since 0.2{other}.")
        super().check(base)

    def _parse(self, name: object) -> tuple[Any, float | None]:
        match = _CALL.fullmatch(name) if isinstance(name, str) else None
        if match is None:
            return name, None
        base, text = match.groups()
        self.check(base)
        if base not in self._parameters:
            taking = ", ".join(f"'{entry}({argument})'" for entry, argument in self._parameters.items())
            raise ParameterError(f"loss={name!r}: {base!r} takes no parameter; only {taking} do.")
        try:
            return base, float(text)
        except ValueError:
            raise ParameterError(
                f"loss={name!r}: {text!r} is not a number; write for instance '{base}(0.5)'."
            ) from None


def current_name(name: str, n_outputs: int = 1) -> str:
    """The present name of a loss that a file of version 0.1 may contain; present names are returned as they are.

    Parameters
    ----------
    name : str
        As it was written.
    n_outputs : int
        Columns of the targets. "logistic" in several columns is now "log_loss_multilabel".
    """
    if name == "logistic" and n_outputs > 1:
        return "log_loss_multilabel"
    return _RENAMED.get(name, name)


LOSSES = LossRegistry(
    {
        "squared_error": "convexnn.losses.squared_error:SquaredError",
        "huber": "convexnn.losses.huber:Huber",
        "quantile": "convexnn.losses.quantile:Quantile",
        "poisson": "convexnn.losses.poisson:Poisson",
        "log_loss": "convexnn.losses.log_loss:log_loss",
        "log_loss_multilabel": "convexnn.losses.log_loss_multilabel:MultilabelLogLoss",
        "squared_hinge": "convexnn.losses.squared_hinge:SquaredHinge",
        "hinge": "convexnn.losses.hinge:Hinge",
    },
    parameters={"huber": "delta", "quantile": "level"},
)
