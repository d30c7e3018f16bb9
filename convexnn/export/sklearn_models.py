"""Networks as fitted scikit-learn MLPs, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from convexnn._types import ArrayLike
from convexnn.exceptions import DataError
from convexnn.export.models import as_deep, as_simple, find_network
from convexnn.network import RELU, DeepReLUNetwork, ReLUNetwork

__all__ = ["from_sklearn", "to_sklearn"]


def to_sklearn(model: Any, *, classes: ArrayLike | None = None) -> Any:
    """A network as a fitted MLPRegressor, or MLPClassifier if the labels are given.

    Parameters
    ----------
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    classes : (k,) array of labels, optional
        By default ``classes_`` of the estimator. Two labels belong to one output, the log odds of the second;
        more labels to as many outputs, the logarithms of unnormalised probabilities (softmax).

    Returns
    -------
    sklearn.neural_network.MLPRegressor or MLPClassifier
        It predicts; it was not trained, so it has no loss curve.

    Raises
    ------
    DataError
        If there is no hidden layer, the activation is not ReLU, or the labels do not match the outputs.
    """
    network = as_deep(find_network(model))
    if network.n_layers < 2:
        raise DataError("the network has no hidden layer; scikit-learn's MLPs have at least one. Use LinearRegression.")
    if network.activation != RELU:
        raise DataError(f"scikit-learn's MLPs have no activation with slope {network.activation.slope:g}; only ReLU.")
    if classes is None:
        classes = getattr(model, "classes_", None)
    mlp = _regressor(network) if classes is None else _classifier(network, np.asarray(classes))
    mlp.coefs_ = [np.array(weight.T) for weight, _ in network.layers]
    mlp.intercepts_ = [np.array(bias) for _, bias in network.layers]
    mlp.n_layers_, mlp.n_outputs_ = network.n_layers + 1, network.n_outputs
    mlp.n_features_in_, mlp.n_iter_, mlp.t_ = network.n_features, 0, 0
    return mlp


def _regressor(network: DeepReLUNetwork) -> Any:
    from sklearn.neural_network import MLPRegressor

    mlp = MLPRegressor(hidden_layer_sizes=network.widths, activation="relu")
    mlp.out_activation_ = "identity"
    return mlp


def _classifier(network: DeepReLUNetwork, classes: Any) -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import LabelBinarizer

    needed = 1 if len(classes) == 2 else len(classes)
    if classes.ndim != 1 or len(classes) < 2 or network.n_outputs != needed:
        raise DataError(f"{classes.size} labels need {needed} outputs, but the network has {network.n_outputs}.")
    if (np.sort(classes) != classes).any():
        raise DataError(f"classes={classes.tolist()} must be sorted, as in scikit-learn; order the outputs likewise.")
    mlp = MLPClassifier(hidden_layer_sizes=network.widths, activation="relu")
    mlp.out_activation_ = "logistic" if needed == 1 else "softmax"
    mlp._label_binarizer = LabelBinarizer().fit(classes)
    mlp.classes_ = classes
    return mlp


def from_sklearn(mlp: Any) -> ReLUNetwork | DeepReLUNetwork:
    """The network of a fitted MLPRegressor or MLPClassifier with ReLU (of a classifier: before the link function).

    Raises
    ------
    DataError
        If it is not fitted, has another activation, or its weights and intercepts do not belong together.
    """
    if not hasattr(mlp, "coefs_"):
        raise DataError(f"{type(mlp).__name__} has no coefs_; call fit first.")
    if getattr(mlp, "activation", "relu") != "relu":
        raise DataError(f"activation={mlp.activation!r}; only 'relu' has a ReLU network.")
    if len(mlp.coefs_) != len(mlp.intercepts_):
        raise DataError(f"there are {len(mlp.coefs_)} coefs_, but {len(mlp.intercepts_)} intercepts_; one per layer.")
    layers = tuple((np.asarray(weight).T, bias) for weight, bias in zip(mlp.coefs_, mlp.intercepts_))
    return as_simple(DeepReLUNetwork(layers))
