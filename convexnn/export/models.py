"""What every exported network has in common: layers, and notes on its origin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from convexnn import __version__
from convexnn.certificate import Certificate
from convexnn.exceptions import DataError, ParameterError
from convexnn.network import RELU, Activation, DeepReLUNetwork, ReLUNetwork

__all__ = ["as_deep", "as_simple", "common_activation", "find_certificate", "find_network", "make_notes"]


def find_network(model: Any) -> ReLUNetwork | DeepReLUNetwork:
    """The network of a model: a network itself, a training result, a construction, or a fitted estimator.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for candidate in (model, getattr(model, "network", None), getattr(model, "network_", None)):
        if isinstance(candidate, (ReLUNetwork, DeepReLUNetwork)):
            return candidate
    raise ParameterError(
        f"{type(model).__name__} has no network; expected a ReLUNetwork, a DeepReLUNetwork, a training result or a "
        "fitted estimator. Call fit first."
    )


def find_certificate(model: Any) -> Certificate | None:
    """The certificate that a training result or an estimator carries."""
    for name in ("certificate", "certificate_"):
        if isinstance(found := getattr(model, name, None), Certificate):
            return found
    return None


def as_deep(network: ReLUNetwork | DeepReLUNetwork) -> DeepReLUNetwork:
    """The network as a list of affine layers."""
    return network if isinstance(network, DeepReLUNetwork) else DeepReLUNetwork.from_shallow(network)


def as_simple(network: DeepReLUNetwork) -> ReLUNetwork | DeepReLUNetwork:
    """A ReLUNetwork if there is one hidden layer, else the deep value."""
    return network.to_shallow() if network.n_layers == 2 else network


def common_activation(slopes: Sequence[float]) -> Activation:
    """The activation of all hidden layers, from the slope that a foreign model has in each.

    Raises
    ------
    DataError
        If they differ, or the slope is that of no :class:`Activation`.
    """
    if len(set(slopes)) > 1:
        raise DataError(f"the hidden layers have activations of slopes {list(slopes)}; all must be the same.")
    try:
        return Activation(slopes[0]) if slopes else RELU
    except ParameterError as error:
        raise DataError(f"an activation of slope {slopes[0]} cannot be read: {error}") from error


def make_notes(model: Any, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Text that goes into the file beside the weights: release, sizes, certificate, and what the caller adds.

    Raises
    ------
    ParameterError
        If a note is not text.
    """
    network = find_network(model)
    notes = {"convexnn": __version__, "layers": json.dumps([network.n_features, *_widths(network), network.n_outputs])}
    if (certificate := find_certificate(model)) is not None:
        notes["certificate"] = certificate.to_json()
    for name, text in (extra or {}).items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise ParameterError(f"metadata[{name!r}] is {type(text).__name__}; names and notes must be text.")
        notes[name] = text
    return notes


def _widths(network: ReLUNetwork | DeepReLUNetwork) -> tuple[int, ...]:
    return as_deep(network).widths
