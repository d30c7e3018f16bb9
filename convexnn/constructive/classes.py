"""Class means, deviations and costs: everything the constructions read from labelled samples.

Letters of arXiv 2309.10370 (samples there are columns): X0red = means.T, DX = deviations.T,
Pen = (X0red^T X0red)^{-1} X0red^T, P = X0red Pen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats, Ints
from convexnn.constructive.factors import AffineFactor, MeanFactor, factor_centred_means, factor_means
from convexnn.exceptions import ConstructionError, DataError, ParameterError
from convexnn.network.relu import row_norms

__all__ = ["ClassData", "Weighting", "check_class_targets", "class_data"]

Weighting: TypeAlias = Literal["samples", "classes"]

_LARGE = 1e150


@dataclass(frozen=True)
class ClassData:
    """Labelled samples, split into class means and deviations.

    Attributes
    ----------
    X : (N, M) array
        Samples.
    labels : (N,) array of int
        Class index 0..Q-1 of each sample.
    classes : (Q,) array
        The labels as the user writes them.
    counts : (Q,) array of int
        Samples per class.
    means : (Q, M) array
    deviations : (N, M) array
        Sample minus the mean of its class.
    """

    X: Floats
    labels: Ints
    classes: NDArray[Any]
    counts: Ints
    means: Floats
    deviations: Floats

    @property
    def n_samples(self) -> int:
        """N."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """M."""
        return int(self.X.shape[1])

    @property
    def n_classes(self) -> int:
        """Q."""
        return int(self.means.shape[0])

    @property
    def names(self) -> list[Any]:
        """The labels as plain Python values, by class index."""
        return list(self.classes.tolist())

    @cached_property
    def radii(self) -> Floats:
        """Largest deviation of each class, shape (Q,)."""
        out = np.zeros(self.n_classes)
        np.maximum.at(out, self.labels, row_norms(self.deviations, "l2"))
        return out

    @property
    def delta(self) -> float:
        """Largest distance of a sample from its class mean (2.21)."""
        return float(self.radii.max())

    @cached_property
    def factor(self) -> MeanFactor:
        """QR of the class means.

        Raises
        ------
        RankDeficientMeansError
            If the class means are dependent, in particular if Q > M.
        """
        return factor_means(self.means)

    @cached_property
    def affine_factor(self) -> AffineFactor:
        """SVD of the means about their barycentre.

        Raises
        ------
        RankDeficientMeansError
            If the class means are affinely dependent, in particular if Q > M + 1.
        """
        return factor_centred_means(self.means)

    @property
    def delta_p(self) -> float:
        """Largest |Pen Dx| (3.1): noise to signal ratio, invariant under linear maps, not under translations."""
        return float(row_norms(self.factor.coordinates(self.deviations), "l2").max())

    @property
    def delta_c(self) -> float:
        """Largest |Pen_c Dx|: the translation invariant noise to signal ratio."""
        factor = self.affine_factor
        scaled = (self.deviations @ factor.basis) / factor.singular_values
        # The columns of V are orthonormal, so they do not change the length.
        return float(row_norms(scaled, "l2").max())

    def weights(self, weighting: Weighting = "samples") -> Floats:
        """Weight of each sample in the squared cost: 1/N ("samples") or 1/N_class ("classes")."""
        check_weighting(weighting)
        if weighting == "samples":
            return np.full(self.n_samples, 1.0 / self.n_samples)
        return np.asarray(1.0 / self.counts[self.labels])

    def class_weights(self, weighting: Weighting = "samples") -> Floats:
        """Sum of the weights of each class, shape (Q,): N_j / N or 1."""
        check_weighting(weighting)
        return self.counts / self.n_samples if weighting == "samples" else np.ones(self.n_classes)

    def cost(self, outputs: Floats, targets: Floats, weighting: Weighting = "samples") -> float:
        """The L2 cost: square root of sum_i w_i |f(x_i) - y_c(i)|^2 ((2.27) or, by classes, (3.19))."""
        errors = row_norms(outputs - targets[self.labels], "l2")
        return float(np.sqrt(self.weights(weighting) @ (errors * errors)))

    def replaced(self, X: Floats) -> ClassData:
        """The same labels with other samples (n, any dimension), e.g. after a truncation."""
        return _split(X, self.labels, self.classes, self.counts)


def check_weighting(weighting: Weighting) -> Weighting:
    """Return `weighting` if it is "samples" or "classes"."""
    if weighting not in ("samples", "classes"):
        raise ParameterError(f"weighting={weighting!r} is unknown; choose 'samples' (1/N) or 'classes' (1/N_j).")
    return weighting


def check_class_targets(targets: ArrayLike | None, n_classes: int) -> Floats:
    """Return the targets of the classes as an invertible (Q, Q) array, row j for class j (None: identity).

    Raises
    ------
    ConstructionError
        If the array has another shape or is singular.
    """
    if targets is None:
        return np.eye(n_classes)
    rows = check_points(targets, name="targets")
    if rows.shape != (n_classes, n_classes):
        raise ConstructionError(
            f"targets has shape {rows.shape}; expected ({n_classes}, {n_classes}), row j being the output for class j."
        )
    s = np.linalg.svd(rows, compute_uv=False)
    if not s[-1] > 1e3 * n_classes * np.finfo(float).eps * s[0]:
        raise ConstructionError(
            "targets is singular; the outputs of the classes must be independent, e.g. unit vectors."
        )
    return rows


def class_data(X: ArrayLike, labels: ArrayLike, *, classes: ArrayLike | None = None) -> ClassData:
    """Split labelled samples into class means and deviations (section 2 of arXiv 2309.10370).

    Parameters
    ----------
    X : (N, M) array or ClassData
        Samples as rows. Class data are handed back as they are, so that every function of this package that takes
        samples and labels also takes class data made before (its labels are then those of the class data).
    labels : (N,) array
        Labels of any kind that can be sorted.
    classes : (Q,) array, optional
        The labels in their order of class index; by default the sorted labels that occur.

    Returns
    -------
    ClassData

    Raises
    ------
    DataError
        If X or labels cannot be used.
    ConstructionError
        If there are fewer than two classes, or a class of `classes` has no sample.
    """
    if isinstance(X, ClassData):
        return X
    points = check_points(X)
    _check_size(points)
    given = np.asarray(labels)
    if given.ndim != 1 or len(given) != len(points):
        raise DataError(f"labels has shape {given.shape}; expected ({len(points)},), one label per row of X.")
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise DataError("labels contains NaN or infinity; every sample needs a class. Drop the rows without one.")
    names = np.unique(given) if classes is None else np.asarray(classes)
    if len(names) < 2:
        raise ConstructionError(f"labels has {len(names)} class ({names.tolist()}); at least two classes are needed.")
    order = np.argsort(names)
    place = np.searchsorted(names[order], given).clip(max=len(names) - 1)
    codes = order[place].astype(np.int64)
    if not np.array_equal(names[codes], given):
        raise DataError(f"labels contains values that are not in classes={names.tolist()}.")
    counts = np.bincount(codes, minlength=len(names)).astype(np.int64)
    if (counts == 0).any():
        raise ConstructionError(
            f"class {names.tolist()[int(np.argmin(counts))]!r} has no sample, so its mean does not exist."
        )
    return _split(points, codes, names, counts)


def _check_size(X: Floats) -> None:
    """Refuse sizes whose squares or inverses leave the range of float64."""
    largest = float(np.abs(X).max())
    spread = float(np.abs(X - X[0]).max()) if largest <= _LARGE else largest
    if largest > _LARGE or 0.0 < spread < 1.0 / _LARGE:
        raise DataError(
            f"X has entries up to {largest:.1e} that differ by up to {spread:.1e}; sizes between {1 / _LARGE:.0e} "
            f"and {_LARGE:.0e} are expected. Change the units of the features."
        )


def _split(X: Floats, codes: Ints, classes: NDArray[Any], counts: Ints) -> ClassData:
    """Means relative to the first sample, so that a common offset costs no digits."""
    shifted = X - X[0]
    indicator = np.zeros((len(counts), len(X)))
    indicator[codes, np.arange(len(X))] = 1.0
    inner = (indicator @ shifted) / counts[:, None]
    return ClassData(X, codes, classes, counts, inner + X[0], shifted - inner[codes])
