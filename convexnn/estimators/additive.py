"""Certified additive models: sums of functions of one and two features, with their terms."""

from __future__ import annotations

from typing import Any

from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.estimators.checks import check_predict_data
from convexnn.estimators.classifier import ConvexReLUClassifier
from convexnn.estimators.regressor import ConvexReLURegressor
from convexnn.geometry.interactions import InteractionSpec
from convexnn.refine.terms import LocalExplanation, Terms, additive_terms
from convexnn.training.choice import MAX_PRICED
from convexnn.training.train import MAX_ITER

__all__ = ["AdditiveReLUClassifier", "AdditiveReLURegressor"]


class _Additive:
    """The terms of a fitted estimator."""

    terms_: Terms | tuple[Terms, ...]

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Train to the optimum and write the network as a sum of terms.

        Parameters
        ----------
        X : (n, d) array
        y : (n,) array
        sample_weight : (n,) array, optional
            Weight 2 equals repetition, 0 removal.

        Returns
        -------
        self

        Raises
        ------
        DataError, ParameterError
            If data or parameters are not usable, or a group has more than two features.

        Warns
        -----
        GapWarning
            If the gap is above `tol`; the network is usable and the gap is true.
        """
        inherited: Any = super()
        inherited.fit(X, y, sample_weight)
        estimator: Any = self
        points = check_predict_data(self, X)
        found = tuple(
            additive_terms(estimator, points, sample_weight=sample_weight, output=k)
            for k in range(estimator.network_.n_outputs)
        )
        self.terms_ = found[0] if len(found) == 1 else found
        return self

    @property
    def importances_(self) -> Floats | tuple[Floats, ...]:
        """Standard deviation of every term over the training samples; several outputs give one array each."""
        terms = self.terms_
        return terms.importances if isinstance(terms, Terms) else tuple(one.importances for one in terms)

    def explain_local(self, x: ArrayLike) -> LocalExplanation | tuple[LocalExplanation, ...]:
        """What every term adds to the output at one sample x (d,); several outputs give one explanation each."""
        terms = self.terms_
        return terms.explain_local(x) if isinstance(terms, Terms) else tuple(one.explain_local(x) for one in terms)


class AdditiveReLURegressor(_Additive, ConvexReLURegressor):
    """Sum of functions of one and two features, proved to be the best of its kind up to a stated gap.

    :class:`ConvexReLURegressor` with ``interaction_cst="pairwise"`` and a looser `tol`; the fitted model has its terms.

    Parameters
    ----------
    beta : float, optional
        Weight decay. By default ``beta_ratio`` times the smallest beta whose network is constant.
    beta_ratio : float, default=3e-2
        Used if `beta` is None.
    interaction_cst : {"pairwise", "no_interactions"} or list of groups, default="pairwise"
        Groups of at most two features, by index or name.
    norm : {"l2", "l1"}, default="l2"
    bias : {True, False, "penalized"}, default=True
    loss : str, default="squared_error"
    tol : float, default=1e-3
        Relative duality gap.
    max_iter, time_limit, max_atoms, n_jobs, verbose :
        As in :class:`ConvexReLURegressor`.

    Attributes
    ----------
    terms_ : Terms
        The functions of one and two features; a tuple of them if there are several outputs.
    importances_ : array
        Standard deviation of every term over the training samples.
    network_, certificate_, beta_, n_neurons_, support_, n_iter_, status_, n_features_in_, feature_names_in_ :
        As in :class:`ConvexReLURegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from convexnn import AdditiveReLURegressor
    >>> X = np.random.default_rng(0).uniform(-1, 1, (80, 3))
    >>> model = AdditiveReLURegressor().fit(X, np.abs(X[:, 0]) + X[:, 1])
    >>> model.certified_, model.terms_.names[int(model.importances_.argmax())]
    (True, 'x1')
    """

    def __init__(
        self,
        *,
        beta: float | None = None,
        beta_ratio: float = 3e-2,
        interaction_cst: InteractionSpec = "pairwise",
        norm: Norm = "l2",
        bias: Bias = True,
        loss: str = "squared_error",
        tol: float | None = 1e-3,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_PRICED,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            beta=beta, beta_ratio=beta_ratio, interaction_cst=interaction_cst, norm=norm, bias=bias, loss=loss, tol=tol,
            max_iter=max_iter, time_limit=time_limit, max_atoms=max_atoms, n_jobs=n_jobs, verbose=verbose,
        )  # fmt: skip


class AdditiveReLUClassifier(_Additive, ConvexReLUClassifier):
    """Classifier whose score is a sum of functions of one and two features, proved to be the best of its kind.

    :class:`ConvexReLUClassifier` with ``interaction_cst="pairwise"`` and a looser `tol`; the fitted model has its
    terms, which add up to the decision function (log odds for two classes and "log_loss").

    Parameters
    ----------
    beta, beta_ratio, interaction_cst, norm, bias, tol, max_iter, time_limit, max_atoms, n_jobs, verbose :
        As in :class:`AdditiveReLURegressor`.
    loss : {"log_loss", "squared_hinge", "hinge", "squared_error"}, default="log_loss"

    Attributes
    ----------
    classes_ : array
        Labels.
    terms_, importances_, network_, certificate_, beta_, n_neurons_, support_, n_iter_, status_ :
        As in :class:`AdditiveReLURegressor`; more than two classes have one set of terms each.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from convexnn import AdditiveReLUClassifier
    >>> X, y = make_moons(60, noise=0.1, random_state=0)
    >>> model = AdditiveReLUClassifier(interaction_cst="no_interactions").fit(X, y)
    >>> model.terms_.names, model.certificate_.interaction_cst
    (('x0', 'x1'), 'no_interactions')
    """

    def __init__(
        self,
        *,
        beta: float | None = None,
        beta_ratio: float = 3e-2,
        interaction_cst: InteractionSpec = "pairwise",
        norm: Norm = "l2",
        bias: Bias = True,
        loss: str = "log_loss",
        tol: float | None = 1e-3,
        max_iter: int = MAX_ITER,
        time_limit: float | None = None,
        max_atoms: int = MAX_PRICED,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            beta=beta, beta_ratio=beta_ratio, interaction_cst=interaction_cst, norm=norm, bias=bias, loss=loss, tol=tol,
            max_iter=max_iter, time_limit=time_limit, max_atoms=max_atoms, n_jobs=n_jobs, verbose=verbose,
        )  # fmt: skip
