"""Outputs of a fitted network in the array library, on the device and in the precision of the samples.

Training runs on NumPy; prediction is two matrix products, so it stays where the samples are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj, is_numpy_array
from scipy.special import expit, softmax
from sklearn import get_config

from convexnn._arrays import to_numpy
from convexnn._types import ArrayLike, Floats
from convexnn.estimators.checks import check_namespace_data, check_predict_rows
from convexnn.network import DeepReLUNetwork, ReLUNetwork

__all__ = ["class_labels", "class_probabilities", "first_column", "network_outputs"]

# Rows evaluated at once, to bound the memory of hidden layers.
_BLOCK = 65_536
# Entries of sparse rows that are dense at a time: 128 MB.
_DENSE = 2**24


def network_outputs(estimator: Any, X: ArrayLike) -> Any:
    """Outputs (n, c) of ``estimator.network_`` at X (n, d).

    float32 samples give float32 outputs. With scikit-learn's ``array_api_dispatch`` the outputs belong to the
    library and device of X; otherwise they are a NumPy array, computed in float64.
    """
    if _stays_in_its_library(X):
        return _outputs_like(estimator.network_, check_namespace_data(estimator, X))
    X = to_numpy(X)
    single = getattr(X, "dtype", None) == np.float32
    f = _outputs(estimator.network_, check_predict_rows(estimator, X))
    return f.astype(np.float32) if single else f


def _outputs(network: ReLUNetwork | DeepReLUNetwork, X: Any) -> Floats:
    if not hasattr(X, "toarray"):
        return network.outputs(X)
    # Sparse rows become dense block by block: all of them at once may not fit into memory.
    n, block = X.shape[0], max(1, _DENSE // X.shape[1])
    return np.concatenate([network.outputs(X[k : min(k + block, n)].toarray()) for k in range(0, n, block)])


def _stays_in_its_library(X: Any) -> bool:
    return bool(get_config()["array_api_dispatch"]) and is_array_api_obj(X) and not is_numpy_array(X)


def _outputs_like(network: ReLUNetwork | DeepReLUNetwork, X: Any) -> Any:
    xp, place = array_namespace(X), device(X)
    deep = network if isinstance(network, DeepReLUNetwork) else DeepReLUNetwork.from_shallow(network)
    # Parameters are read-only in NumPy, which some libraries refuse to share, hence the copies.
    layers = [tuple(xp.asarray(part.copy(), dtype=X.dtype, device=place) for part in layer) for layer in deep.layers]
    blocks = []
    n = X.shape[0]
    for start in range(0, n, _BLOCK):
        hidden = X[start : min(start + _BLOCK, n), :]
        for weight, bias in layers[:-1]:
            hidden = hidden @ weight.T + bias
            hidden = xp.where(hidden > 0, hidden, xp.zeros_like(hidden))
        weight, bias = layers[-1]
        blocks.append(hidden @ weight.T + bias)
    return xp.concat(blocks, axis=0)


def first_column(f: Any) -> Any:
    """Outputs (n, c) as (n,) if there is one."""
    return f[:, 0] if f.shape[1] == 1 else f


def class_labels(classes: Any, f: Any) -> Any:
    """Label (n,) of the largest output; one output (n,) stands for the second class if positive.

    Labels that are no numbers come as a NumPy array whatever library f belongs to.
    """
    xp = array_namespace(f)
    codes = xp.astype(f > 0, xp.int64) if f.ndim == 1 else xp.argmax(f, axis=1)
    if is_numpy_array(f):
        return classes[codes]
    if classes.dtype.kind in "biuf":
        return xp.take(xp.asarray(classes.copy(), device=device(f)), codes, axis=0)
    return classes[to_numpy(codes)]


def class_probabilities(f: Any, *, multilabel: bool = False) -> Any:
    """Probabilities (n, n_classes) of the logistic or softmax model with outputs f; of each label if `multilabel`."""
    if multilabel:
        return expit(f) if is_numpy_array(f) else 1.0 / (1.0 + array_namespace(f).exp(-f))
    if is_numpy_array(f):
        return np.column_stack([expit(-f), expit(f)]) if f.ndim == 1 else np.asarray(softmax(f, axis=1))
    xp = array_namespace(f)
    if f.ndim == 1:
        f = xp.stack([xp.zeros_like(f), f], axis=1)
    odds = xp.exp(f - xp.max(f, axis=1, keepdims=True))
    return odds / xp.sum(odds, axis=1, keepdims=True)
