"""Wedge neurons as features for any other model."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from convexnn._arrays import to_numpy
from convexnn._checks import check_bias, check_count, check_norm
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.dictionaries import Atoms
from convexnn.dictionaries.sampled import sampled_dictionary
from convexnn.estimators.checks import check_predict_data
from convexnn.exceptions import DataError

__all__ = ["WedgeFeatures"]


class WedgeFeatures(TransformerMixin, BaseEstimator):
    """Turn samples into responses of wedge neurons, hyperplanes through training samples.

    All of them if they are at most `n_components`, else a random part. A Lasso on these features is the
    convex form of a ReLU network; a ridge or a kernel approximation works as well.

    Parameters
    ----------
    n_components : int, default=500
        Largest number of features; they come in pairs of opposite orientation.
    norm : {"l2", "l1"}, default="l2"
        Norm in which the normals have length one; "l1" adds hyperplanes along the axes.
    bias : {True, False, "penalized"}, default=True
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    atoms_ : Atoms
        The neurons with the samples that made them.
    n_features_in_, feature_names_in_ :
        As usual.

    Examples
    --------
    >>> from convexnn.estimators import WedgeFeatures
    >>> features = WedgeFeatures().fit([[0.0], [1.0], [3.0]])
    >>> features.transform([[2.0]])
    array([[2., 0., 1., 0., 0., 1.]])
    >>> list(features.get_feature_names_out())[:2]
    ['wedge(0)+', 'wedge(0)-']
    """

    def __init__(
        self,
        *,
        n_components: int = 500,
        norm: Norm = "l2",
        bias: Bias = True,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.norm = norm
        self.bias = bias
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> WedgeFeatures:
        """Choose the neurons; `y` is ignored.

        Raises
        ------
        DataError, ParameterError
            If data or parameters are not usable; both are ValueErrors.
        """
        n_components = check_count("n_components", self.n_components)
        norm, bias = check_norm(self.norm), check_bias(self.bias)
        try:
            points = validate_data(self, to_numpy(X), dtype=np.float64, order="C")
        except ValueError as error:
            raise DataError(f"{error} Pass finite real numbers of shape (n_samples, n_features).") from error
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        found = sampled_dictionary(points, size=(n_components + 1) // 2, norm=norm, bias=bias, random_state=seed)
        self.atoms_: Atoms = found.atoms().select(slice(n_components))
        self._n_samples = len(points)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """Responses (n, n_features_out) of the neurons at X (n, d), sparse or dense."""
        check_is_fitted(self)
        return self.atoms_.columns(check_predict_data(self, X))

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """One name per neuron: the samples on its hyperplane (axes as x0, x1, ...) and its orientation."""
        check_is_fitted(self)
        names = [
            f"wedge({','.join(map(self._row_name, rows))}){'+' if side > 0 else '-'}"
            for rows, side in zip(self.atoms_.generators.tolist(), self.atoms_.orientation.tolist())
        ]
        return np.asarray(names, dtype=object)

    def _row_name(self, row: int) -> str:
        return str(row) if row < self._n_samples else f"x{row - self._n_samples}"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        tags.transformer_tags.preserves_dtype = []
        return tags
