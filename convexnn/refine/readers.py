"""Networks inside models of other packages as values of this one, and back into them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError, ModelFormatError
from convexnn.network import RELU, DeepReLUNetwork, ReLUNetwork

__all__ = ["from_module", "relu_network", "to_module"]

# Probes that a module answers next to the network read from it, and how well the answers must agree.
_PROBES = 16
_AGREEMENT = 1e-4


def from_module(model: Any) -> DeepReLUNetwork:
    """The network inside a model, of any depth.

    Parameters
    ----------
    model : object
        - a PyTorch module made of ``Linear`` and ``ReLU`` (also ``Flatten``, ``Dropout``, ``Identity``); what
          is read is compared with the module itself on random inputs, in evaluation mode;
        - a fitted scikit-learn ``MLPRegressor`` or ``MLPClassifier`` with ``activation="relu"``: outputs are
          those before the logistic or softmax map;
        - a fitted estimator of this package, a `ReLUNetwork` or a `DeepReLUNetwork`;
        - a sequence of (weight (out, in), bias (out,)) pairs.

    Returns
    -------
    DeepReLUNetwork

    Raises
    ------
    ModelFormatError
        If the model is of another kind, or computes something else than Linear and ReLU layers in turn.
    """
    if isinstance(model, DeepReLUNetwork):
        return model
    if isinstance(model, ReLUNetwork):
        return DeepReLUNetwork.from_shallow(model)
    if hasattr(model, "network_"):
        return from_module(model.network_)
    if _is_module(model):
        return _read_module(model)
    if hasattr(model, "coefs_") and hasattr(model, "intercepts_"):
        return _read_sklearn(model)
    if isinstance(model, (list, tuple)):
        return DeepReLUNetwork(tuple(model))
    raise ModelFormatError(
        f"{type(model).__name__} cannot be read; pass a PyTorch module of Linear and ReLU, a fitted MLP of "
        "scikit-learn, a network of this package, or a list of (weight, bias) pairs."
    )


def relu_network(model: Any) -> DeepReLUNetwork:
    """The network inside a model, refused unless its activation is ReLU: what neurons through samples can represent
    is known for it only.
    """
    network = from_module(model)
    _require_relu(network)
    return network


def to_module(network: DeepReLUNetwork, module: Any) -> None:
    """Copy the weights of a network into a model of the same widths, in place.

    Parameters
    ----------
    network : DeepReLUNetwork
    module : torch.nn.Module, or fitted MLPRegressor or MLPClassifier of scikit-learn
        Usually the model that :func:`from_module` read.

    Raises
    ------
    ModelFormatError
        If `module` is of another kind, has other widths or another activation.
    DataError
        If a layer of the module has no bias but the network needs one.
    """
    _require_relu(network)
    if _is_module(module):
        _write_module(network, module)
    elif hasattr(module, "coefs_") and hasattr(module, "intercepts_"):
        _check_shapes(network, _read_sklearn(module))
        module.coefs_ = [np.array(weight.T) for weight, _ in network.layers]
        module.intercepts_ = [np.array(bias) for _, bias in network.layers]
    else:
        raise ModelFormatError(
            f"{type(module).__name__} is neither a PyTorch module nor a fitted MLP of scikit-learn; pass the model "
            "that was read."
        )


def _check_shapes(network: DeepReLUNetwork, theirs: DeepReLUNetwork) -> None:
    here, ours = ([weight.shape for weight, _ in one.layers] for one in (theirs, network))
    if here != ours:
        raise ModelFormatError(f"the module has layers of shapes {here}, the network {ours}; they must match.")


def _require_relu(network: DeepReLUNetwork) -> None:
    if network.activation != RELU:
        slope = network.activation.slope
        raise ModelFormatError(f"the network has an activation of slope {slope:g}; only ReLU networks are served here.")


def _write_module(network: DeepReLUNetwork, module: Any) -> None:
    import torch

    linear = _linear_layers(module)
    _check_shapes(network, _read_module(module))
    for k, (layer, (_, bias)) in enumerate(zip(linear, network.layers)):
        if layer.bias is None and np.any(bias):
            raise DataError(f"layer {k} of the module has no bias, but the network needs one; polish with bias=False.")
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, network.layers):
            layer.weight.copy_(torch.tensor(weight, dtype=layer.weight.dtype))
            if layer.bias is not None:
                layer.bias.copy_(torch.tensor(bias, dtype=layer.bias.dtype))


def _is_module(model: Any) -> bool:
    """Whether this is a PyTorch module, without importing torch: no module exists before it is imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _linear_layers(module: Any) -> list[Any]:
    """The Linear layers in order; every other module must be without parameters and buffers."""
    import torch

    layers = []
    for part in module.modules():
        if isinstance(part, torch.nn.Linear):
            layers.append(part)
        elif list(part.parameters(recurse=False)) or list(part.buffers(recurse=False)):
            raise ModelFormatError(
                f"the module contains {type(part).__name__}; only Linear and ReLU layers can be read. "
                "Fold normalisations into the layers before, and pass the fully connected part alone."
            )
    if not layers:
        raise ModelFormatError("the module has no Linear layer; there is nothing to read.")
    return layers


def _read_module(module: Any) -> DeepReLUNetwork:
    linear = _linear_layers(module)
    network = DeepReLUNetwork(
        tuple(
            (_array(layer.weight), np.zeros(layer.out_features) if layer.bias is None else _array(layer.bias))
            for layer in linear
        )
    )
    _compare(module, network, linear[0])
    return network


def _array(tensor: Any) -> Floats:
    return np.asarray(tensor.detach().cpu().numpy(), dtype=np.float64)


def _compare(module: Any, network: DeepReLUNetwork, first: Any) -> None:
    """The order of submodules need not be the order of computation: believe only equal outputs."""
    import torch

    probes: Floats = np.random.default_rng(0).standard_normal((_PROBES, network.n_features))
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            seen = module(torch.tensor(probes, dtype=first.weight.dtype, device=first.weight.device))
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelFormatError(
            f"the module does not accept rows of {network.n_features} features ({error}); pass its fully "
            "connected part alone."
        ) from error
    finally:
        module.train(training)
    theirs, ours = np.asarray(seen.cpu().numpy(), dtype=np.float64), network.outputs(probes)
    if theirs.shape != ours.shape and theirs.size == ours.size:
        theirs = theirs.reshape(ours.shape)
    if theirs.shape != ours.shape or np.abs(theirs - ours).max() > _AGREEMENT * max(np.abs(ours).max(), 1e-30):
        raise ModelFormatError(
            "the module computes something else than Linear layers with a ReLU between each two (another "
            "activation, a skip connection, an activation at the end); pass the part that does, e.g. without Softmax."
        )


def _read_sklearn(model: Any) -> DeepReLUNetwork:
    activation = getattr(model, "activation", "relu")
    if activation != "relu":
        raise ModelFormatError(f"the network has activation={activation!r}; only 'relu' can be read.")
    weights, biases = model.coefs_, model.intercepts_
    if len(weights) != len(biases):
        raise ModelFormatError(f"there are {len(weights)} coefs_, but {len(biases)} intercepts_; one per layer.")
    return DeepReLUNetwork(tuple((np.asarray(w).T, np.asarray(b)) for w, b in zip(weights, biases)))
