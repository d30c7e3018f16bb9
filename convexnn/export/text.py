"""Networks to read: every neuron as a distance to the hyperplane through the samples that made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convexnn._types import Floats, Norm
from convexnn.exceptions import DataError
from convexnn.export.models import find_certificate, find_network
from convexnn.network import RELU, DeepReLUNetwork, ReLUNetwork
from convexnn.network.relu import row_norms

__all__ = ["to_text"]


def to_text(
    model: Any,
    *,
    norm: Norm = "l2",
    feature_names: Sequence[str] | None = None,
    digits: int = 6,
) -> str:
    """A network as text, one line per neuron, strongest first.

    A unit neuron (w.x + b)_+ is the distance of x to the hyperplane w.x + b = 0 on its positive side, zero on the
    other: the Euclidean one for ``norm="l2"``, the largest coordinate difference for "l1" (the dual norm). Training
    results and estimators know the samples on each hyperplane; these are named.

    Parameters
    ----------
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    norm : "l2" or "l1"
        Length to which hidden weights are scaled; that of the certificate if the model has one.
    feature_names : sequence of str, optional
    digits : int
        Significant digits of the numbers.
    """
    network, certificate = find_network(model), find_certificate(model)
    names = _names(network.n_features, feature_names)
    if isinstance(network, DeepReLUNetwork):
        return "\n".join(_deep_lines(network, names, digits)) + "\n"
    norm = certificate.norm if certificate is not None else norm
    lines = [f"{network.n_neurons} neurons, inputs {', '.join(names)}, {network.n_outputs} output(s)"]
    if certificate is not None:
        lines.append(certificate.summary())
    if network.activation != RELU:
        lines.append(f"activation with slope {network.activation.slope:g} on the other side of each hyperplane")
    lines += ["", f"f(x) = {_row(network.intercept, digits)}"]
    lines += _neuron_lines(network, _samples(model, network), norm, names, digits)
    return "\n".join(lines) + "\n"


def _names(d: int, given: Sequence[str] | None) -> list[str]:
    names = [f"x{k + 1}" for k in range(d)] if given is None else list(given)
    if len(names) != d:
        raise DataError(f"feature_names has {len(names)} entries, but the network has {d} inputs.")
    return names


def _samples(model: Any, network: ReLUNetwork) -> list[tuple[int, ...]]:
    """Samples on the hyperplane of each neuron; none if the model does not say."""
    support = getattr(model, "support", getattr(model, "support_", None))
    if support is None or len(support) != network.n_neurons:
        return [()] * network.n_neurons
    return [tuple(int(i) for i in rows) for rows in support]


def _neuron_lines(
    network: ReLUNetwork, samples: list[tuple[int, ...]], norm: Norm, names: list[str], digits: int
) -> list[str]:
    lengths = row_norms(network.hidden_weights, norm)
    scale = np.where(lengths > 0, lengths, 1.0)
    coef = network.output_weights * scale[:, None]
    units, offsets = network.hidden_weights / scale[:, None], network.hidden_biases / scale
    what = "distance" if norm == "l2" else "max-norm distance"
    lines = []
    for j in np.argsort(-row_norms(coef, "l2"), kind="stable"):
        through = _through(samples[j], network.n_features)
        if not lengths[j]:
            lines.append(f"  + {_row(coef[j] * network.activation.value(offsets[j]), digits)}, a constant")
            continue
        plane = _affine(units[j], offsets[j], names, digits)
        lines.append(f"  + {_row(coef[j], digits)} * {what} to the {through} where {plane} > 0")
    return lines


def _through(samples: tuple[int, ...], d: int) -> str:
    plane = {1: "point", 2: "line"}.get(d, "plane" if d == 3 else "hyperplane")
    if not samples:
        return plane
    word = "sample" if len(samples) == 1 else "samples"
    return f"{plane} through {word} {', '.join(map(str, samples))},"


def _affine(u: Floats, c: float, names: list[str], digits: int) -> str:
    terms = [f"{value:.{digits}g} {name}" for value, name in zip(u, names) if value]
    terms += [f"{c:.{digits}g}"] if c or not terms else []
    return " + ".join(terms).replace("+ -", "- ")


def _row(values: Floats, digits: int) -> str:
    texts = [f"{value:.{digits}g}" for value in values]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _deep_lines(network: DeepReLUNetwork, names: list[str], digits: int) -> list[str]:
    lines = [f"{network.n_layers} layers, widths {', '.join(map(str, network.widths)) or 'none'}"]
    part = "positive part" if network.activation == RELU else f"activation with slope {network.activation.slope:g}"
    for k, (weight, bias) in enumerate(network.layers):
        last = k == network.n_layers - 1
        lines += ["", "output" if last else f"layer {k + 1}, each the {part} of"]
        out = "f" if last else f"h{k + 1}_"
        lines += [f"  {out}{j + 1} = {_affine(row, bias[j], names, digits)}" for j, row in enumerate(weight)]
        names = [f"h{k + 1}_{j + 1}" for j in range(len(bias))]
    return lines
