"""Explain any ReLU network by the samples that its neurons almost contain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn._checks import check_norm, check_points
from convexnn._types import ArrayLike, Norm
from convexnn.exceptions import ParameterError
from convexnn.geometry.frame import make_frame
from convexnn.network import DeepReLUNetwork
from convexnn.refine.neurons import NeuronReport, near_wedges, neuron_report
from convexnn.refine.objective import check_layers
from convexnn.refine.polished import neuron_table
from convexnn.refine.readers import relu_network
from convexnn.refine.wedges import WedgeFinder

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """The nearest wedge of each neuron.

    Attributes
    ----------
    network : DeepReLUNetwork
    neurons : tuple of NeuronReport
        Layer by layer; neurons without direction (all incoming weights zero) are left out.
    """

    network: DeepReLUNetwork
    neurons: tuple[NeuronReport, ...]

    def table(self, limit: int | None = None) -> str:
        """The neurons as a Markdown table, at most `limit` rows."""
        return neuron_table(self.neurons[:limit])

    def summary(self) -> str:
        """Median angle and share of every layer, in words."""
        lines = []
        for layer in sorted({neuron.layer for neuron in self.neurons}):
            group = [neuron for neuron in self.neurons if neuron.layer == layer]
            angle = float(np.median([neuron.angle for neuron in group]))
            share = float(np.median([neuron.share for neuron in group]))
            lines.append(
                f"layer {layer}: {len(group)} neurons, median angle to the nearest wedge {angle:.2f} degrees, "
                f"median share of the response it explains {share:.4f}"
            )
        return "\n".join(lines)


def explain(
    network: Any, X: ArrayLike, *, norm: Norm = "l2", bias: bool = True, layers: Sequence[int] | None = None
) -> Explanation:
    """For each hidden neuron the samples nearest to its hyperplane, and how much of it their wedge explains.

    The neurons of an optimal network are wedges (arXiv 2309.16512, Theorems 1-10), so a small angle and a share
    near 1 say that a neuron is defined by these samples; a large angle says that it is not.

    Parameters
    ----------
    network : object
        Anything :func:`from_module` reads.
    X : (n, d) array
        Samples, usually those of the training.
    norm : "l2" or "l1"
        "l1" wedges may also ignore inputs.
    bias : bool
        Whether neurons have biases (hyperplanes through d samples) or not (through the origin and d - 1).
    layers : sequence of int, optional
        Hidden layers, all by default; later ones are explained by the activations of `X`.

    Returns
    -------
    Explanation

    Raises
    ------
    ModelFormatError, DataError, ParameterError
        If an argument is not usable.
    """
    net = relu_network(network)
    points = check_points(X, n_features=net.n_features)
    norm = check_norm(norm)
    if bias not in (True, False):
        raise ParameterError(f"bias={bias!r}: choose True (hyperplanes anywhere) or False (through the origin).")
    inputs = [points, *net.activations(points)]
    reports: list[NeuronReport] = []
    for k in check_layers(layers, net.n_layers - 1):
        weight, offsets = net.layers[k]
        frame = make_frame(np.ascontiguousarray(inputs[k]), norm=norm, bias=bias)
        for j, wedge in enumerate(near_wedges(WedgeFinder(frame), weight, offsets)):
            if wedge is not None:
                reports.append(neuron_report(frame, inputs[k], weight[j], float(offsets[j]), wedge, layer=k, index=j))
    return Explanation(net, tuple(reports))
