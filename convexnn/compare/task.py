"""What is compared: one data set, split once, with one objective for everybody."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._checks import check_bias, check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.data import bundled_names, load_bundled, make_spiral, read_table
from convexnn.exceptions import DataError, ParameterError
from convexnn.losses import LOSSES
from convexnn.training import beta_max

__all__ = ["DATA_NAMES", "Task", "load_data", "make_task"]

# A dictionary larger than this is searched or sampled: a comparison should end.
ATOMS_COMPARED = 5_000_000
DATA_NAMES = ("spiral200", "diabetes", "iris")


@dataclass(frozen=True)
class Task:
    """Standardised training and test data with the training problem.

    Attributes
    ----------
    name : str
    X, X_test : (n, d) arrays
    y, y_test : (n, c) arrays
        Classes are one-hot rows.
    beta, norm, bias, loss :
        As in :func:`convexnn.train`.
    classes : tuple of str
        Labels; empty for regression.
    max_atoms : int
        Limit of the exact search.
    """

    name: str
    X: Floats
    y: Floats
    X_test: Floats
    y_test: Floats
    beta: float
    norm: Norm
    bias: Bias
    loss: str
    classes: tuple[str, ...]
    max_atoms: int = ATOMS_COMPARED

    @property
    def problem(self) -> dict[str, Any]:
        """Keyword arguments that every method gets."""
        return {"beta": self.beta, "norm": self.norm, "bias": self.bias, "loss": self.loss}

    def fingerprint(self) -> str:
        """SHA-256 of data and problem."""
        digest = hashlib.sha256()
        for array in (self.X, self.y, self.X_test, self.y_test):
            digest.update(f"{array.shape}".encode() + np.ascontiguousarray(array, dtype="<f8").tobytes())
        digest.update(repr((self.beta, self.norm, self.bias, self.loss, self.max_atoms)).encode())
        return digest.hexdigest()

    def score(self, outputs: Floats, *, test: bool) -> float:
        """Accuracy for classes (largest output), R2 for numbers."""
        wanted = self.y_test if test else self.y
        if self.classes:
            return float(np.mean(outputs.argmax(axis=1) == wanted.argmax(axis=1)))
        spread = float(((wanted - self.y.mean(axis=0)) ** 2).sum())
        return 1.0 - float(((outputs - wanted) ** 2).sum()) / spread if spread > 0 else 0.0


def make_task(
    name: str,
    X: ArrayLike,
    y: ArrayLike,
    *,
    labels: bool = False,
    beta: float | None = None,
    beta_ratio: float = 1e-3,
    norm: Norm = "l2",
    bias: Bias = True,
    loss: str = "squared_error",
    test_share: float = 0.25,
    max_atoms: int = ATOMS_COMPARED,
    random_state: int = 0,
) -> Task:
    """Split and standardise a data set.

    Parameters
    ----------
    name : str
        For tables and pictures.
    X : (n, d) array
    y : (n,) or (n, c) array
    labels : bool
        Whether y are classes; they become one-hot targets.
    beta, beta_ratio :
        Weight decay, or its share of ``beta_max`` of the training part.
    norm, bias, loss :
        As in :func:`convexnn.train`.
    test_share : float
        Part of the samples that is kept for scores.
    max_atoms : int
        Limit of the exact search.
    random_state : int
        Seed of the split.

    Raises
    ------
    DataError, ParameterError
        If data or parameters are not usable.
    """
    points = check_points(X)
    classes: tuple[str, ...] = ()
    if labels:
        names, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(codes) != len(points) or len(names) < 2:
            raise DataError(f"y has {len(codes)} labels of {len(names)} classes for {len(points)} rows of X.")
        classes, targets = tuple(str(name) for name in names), np.eye(len(names))[codes]
    else:
        targets = check_targets(y, len(points))
    LOSSES.check(loss)
    share = check_real("test_share", test_share, low=0.0, high=0.9, strict=True)
    order = np.random.default_rng(random_state).permutation(len(points))
    cut = max(1, round(share * len(points)))
    if len(points) - cut < 2:
        raise DataError(f"X has {len(points)} rows; at least 3 are needed for a training and a test part.")
    test, train = order[:cut], np.sort(order[cut:])
    scale = points[train].std(axis=0)
    scaled = (points - points[train].mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    kind: dict[str, Any] = {"norm": check_norm(norm), "bias": check_bias(bias), "loss": loss}
    X_train, y_train = np.ascontiguousarray(scaled[train]), np.ascontiguousarray(targets[train])
    if beta is None:
        ratio = check_real("beta_ratio", beta_ratio, low=0.0, strict=True)
        beta = ratio * (beta_max(X_train, y_train, max_atoms=max_atoms, **kind) or 1.0)
    beta = check_real("beta", beta, low=0.0, strict=True)
    data: dict[str, Any] = {"X": X_train, "y": y_train, "X_test": scaled[test], "y_test": targets[test]}
    return Task(name=name, beta=beta, classes=classes, max_atoms=max_atoms, **data, **kind)


def load_data(
    source: str, *, target: str | None = None, features: list[str] | None = None, labels: bool | None = None
) -> tuple[str, Any, Any, bool]:
    """Name, X, y and whether y are labels, of a data set with a name or in a file.

    "spiral200" (generated), "diabetes" (features bmi and s5) and "iris" come without a download, as do the bundled
    sets of :func:`convexnn.data.load_bundled`. A file (CSV or Parquet) needs a target.

    Raises
    ------
    ParameterError
        If the name is unknown, or a file comes without target.
    """
    if Path(source).is_file():
        if target is None:
            raise ParameterError(f"{source}: which column is the target? Give --target.")
        X, y = read_table(source, target, features)
        return Path(source).stem, X, y, bool(labels)
    if source == "spiral200":
        return source, *make_spiral(200, random_state=0), bool(labels)
    if source in bundled_names():
        data = load_bundled(source)
        return source, data.X, data.y, bool(labels)
    if source == "diabetes":
        from sklearn.datasets import load_diabetes

        X, y = load_diabetes(return_X_y=True, as_frame=True)
        return source, X[["bmi", "s5"]].to_numpy(), (y / y.std()).to_numpy(), False
    if source == "iris":
        from sklearn.datasets import load_iris

        return source, *load_iris(return_X_y=True), True
    known = ", ".join((*DATA_NAMES, *bundled_names()))
    raise ParameterError(f"{source} is neither a file nor a known data set; choose one of {known}, or a CSV file.")
