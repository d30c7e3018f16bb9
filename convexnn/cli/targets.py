"""What is predicted: the task that a column of targets asks for, targets of its loss, predictions and scores."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._types import Floats, Ints
from convexnn.data.entries import Entries, as_numbers, as_text
from convexnn.exceptions import DataError, ParameterError
from convexnn.losses import LOSSES

__all__ = ["Target", "find_target"]

_LABELS = ("log_loss", "hinge", "squared_hinge")
# Whole numbers are labels if so few are all equally frequent up to a factor, and counts if they are this small.
_MANY, _UNEVEN, _SMALL = 20, 5.0, 30.0


@dataclass(frozen=True)
class Target:
    """A column of targets and how it is learnt.

    Attributes
    ----------
    name : str
    loss : str
    classes : tuple of str, optional
        Labels in order, if they are what is predicted.
    why : str
        How the task was found, for the user.
    """

    name: str
    loss: str
    classes: tuple[str, ...] | None = None
    why: str = ""

    def encode(self, entries: Entries) -> Floats:
        """Targets of the loss, (n,) or (n, c).

        Raises
        ------
        DataError
            If an entry is no finite number, or a label that is unknown.
        """
        if self.classes is None:
            return _numbers(self.name, entries)
        from convexnn.estimators.labels import class_targets

        return class_targets(self.codes(entries), len(self.classes), self.loss)

    def codes(self, entries: Entries) -> Ints:
        """Indices (n,) of the labels."""
        place = {label: k for k, label in enumerate(self.classes or ())}
        found = [place.get(as_text(entry), -1) for entry in entries]
        if -1 in found:
            row = found.index(-1)
            raise DataError(
                f"column {self.name!r}, data row {row + 1}: {entries[row]!r} is none of the labels that were learnt, "
                f"{', '.join(list(place)[:10])}. Leave these rows out, or train with them."
            )
        return np.array(found, dtype=np.int64)

    def predictions(self, outputs: Floats) -> dict[str, Any]:
        """Columns to write for outputs (n, c) of the network: values, or labels with probabilities."""
        if self.classes is None:
            values = self._means(outputs)
            names = [self.name] if values.shape[1] == 1 else [f"{self.name}_{k}" for k in range(values.shape[1])]
            return {name: column.tolist() for name, column in zip(names, values.T)}
        found = {self.name: [self.classes[k] for k in self.decided(outputs)]}
        if self.loss == "log_loss":
            names = [f"probability {label}" for label in self.classes]
            found |= {name: column.tolist() for name, column in zip(names, self._probabilities(outputs).T)}
        return found

    def _means(self, outputs: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.exp(outputs) if self.loss == "poisson" else outputs

    def decided(self, outputs: Floats) -> Ints:
        """Indices (n,) of the labels that outputs (n, c), or targets, decide for."""
        outputs = outputs.reshape(len(outputs), -1)
        alone = outputs.shape[1] == 1
        return np.asarray(outputs[:, 0] > 0 if alone else outputs.argmax(axis=1), dtype=np.int64)

    def _probabilities(self, outputs: Floats) -> Floats:
        from convexnn.estimators.outputs import class_probabilities

        found: Floats = class_probabilities(outputs[:, 0] if outputs.shape[1] == 1 else outputs)
        return found

    def scores(self, outputs: Floats, targets: Floats) -> dict[str, float]:
        """How good outputs (n, c) are for the targets that :meth:`encode` gave; nan where n is too small to say."""
        targets = targets.reshape(len(targets), -1)
        loss = LOSSES[self.loss](targets)
        if self.classes is not None:
            right = self.decided(outputs) == self.decided(targets)
            found = {"accuracy": float(right.mean())}
            return found | ({"log_loss": loss.value(outputs) / len(targets)} if self.loss == "log_loss" else {})
        root = float(np.sqrt(np.mean((self._means(outputs) - targets) ** 2)))
        # The share of the loss of the best constant that is explained: R2 for squared errors, D2 for others.
        least = loss.value(np.broadcast_to(loss.best_constant(), targets.shape))
        share = 1.0 - loss.value(outputs) / least if least > 0 else float("nan")
        name = "r2" if self.loss == "squared_error" else "d2"
        more = {"mean_deviance": 2.0 * loss.value(outputs) / len(targets)} if self.loss == "poisson" else {}
        return {name: share, "root_mean_square_error": root, **more}


def find_target(name: str, entries: Entries, loss: str | None) -> Target:
    """The task of a column: labels, counts or numbers, by its entries or by the loss asked for.

    Raises
    ------
    DataError
        If there are texts where numbers are needed, or one label only.
    ParameterError
        If the loss is unknown.
    """
    if loss is not None:
        LOSSES.check(loss)
        if loss == "log_loss_multilabel":
            raise ParameterError(f"--loss {loss} needs several columns of labels; commands learn one.")
        if loss not in _LABELS:
            return Target(name, loss, why="as asked for")
        return Target(name, loss, _classes(name, entries), why="as asked for")
    kind, why = _task(entries)
    if kind == "labels":
        return Target(name, "log_loss", _classes(name, entries), why=why)
    return Target(name, "poisson" if kind == "counts" else "squared_error", why=why)


def _task(entries: Entries) -> tuple[str, str]:
    numbers = as_numbers(entries)
    if numbers is None:
        numbers = as_numbers(entries, ",")
    if numbers is None:
        return "labels", "the target is not a number"
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) == 2:
        return "labels", "the target has two values"
    if not (np.isfinite(values).all() and (values == np.floor(values)).all() and values[0] >= 0):
        return "numbers", "the target is a number"
    row = len(values) <= _MANY and values[0] <= 1 and (np.diff(values) == 1).all() and counts.min() >= _UNEVEN
    if row and len(values) > 1 and counts.max() <= _UNEVEN * counts.min():
        return "labels", f"the target has the whole numbers {values[0]:g} to {values[-1]:g}, about equally often"
    if values[0] == 0 and len(values) > 2 and numbers.mean() <= _SMALL:
        return "counts", "the target counts something: whole numbers from 0 on"
    return "numbers", "the target is a number"


def _classes(name: str, entries: Entries) -> tuple[str, ...]:
    counts = Counter(map(as_text, entries))
    if len(counts) < 2:
        raise DataError(f"column {name!r} has one label only ({next(iter(counts))!r}); two are needed to classify.")
    if len(counts) > max(_MANY, len(entries) // 2):
        raise DataError(
            f"column {name!r} has {len(counts)} different texts in {len(entries)} rows, which are no labels. If it is "
            "a number, mend the entries that are none; else choose another target."
        )
    numbers = as_numbers(list(counts))
    return tuple(sorted(counts) if numbers is None else [label for _, label in sorted(zip(numbers, counts))])


def _numbers(name: str, entries: Entries) -> Floats:
    found = as_numbers(entries)
    found = as_numbers(entries, ",") if found is None else found
    if found is None or not np.isfinite(found).all():
        each = [as_numbers([entry]) for entry in entries]
        row = next(k for k, value in enumerate(each) if value is None or not np.isfinite(value[0]))
        raise DataError(
            f"column {name!r}, data row {row + 1}: {entries[row]!r} is not a finite number; remove or fill the row, "
            "or choose --loss log_loss if it is a label."
        )
    return found
