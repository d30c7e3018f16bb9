"""What polishing and explaining say about one neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._types import Floats
from convexnn.geometry.frame import Frame
from convexnn.network import RELU
from convexnn.network.relu import row_norms
from convexnn.refine.wedges import NearWedge, WedgeFinder, from_working, to_working

__all__ = ["NeuronReport", "near_wedges", "neuron_report", "response_share"]


@dataclass(frozen=True)
class NeuronReport:
    """A neuron beside its wedge.

    Attributes
    ----------
    layer, index : int
        Hidden layer and neuron in it, from 0.
    samples : tuple of int
        Training samples on the hyperplane of the wedge, nearest first.
    axes : tuple of int
        Inputs that the wedge ignores (silent axes, l1 only).
    inner_products : tuple of float
        For each of `samples` the distance-like number w.a_i + b over ||w||_2 of the *original* neuron: how far it
        was from containing the sample.
    angle : float
        Between the normals of neuron and wedge, in degrees.
    share : float
        Share of the neuron's responses (sum of squares over the samples) that the wedge explains, at the best
        scale; 1 if the responses are proportional.
    replaced : bool
        Whether the neuron of the result is the wedge. False in reports that change nothing.
    """

    layer: int
    index: int
    samples: tuple[int, ...]
    axes: tuple[int, ...]
    inner_products: tuple[float, ...]
    angle: float
    share: float
    replaced: bool = False


def near_wedges(
    finder: WedgeFinder, weights: Floats, biases: Floats, n_rows: int | None = None
) -> list[NearWedge | None]:
    """The nearest wedge (or face of `n_rows` rows) of every neuron over the samples of a finder."""
    normals, offsets = to_working(finder.frame, weights, biases)
    return [finder.nearest(u, float(c), n_rows) for u, c in zip(normals, offsets)]


def response_share(response: Floats, other: Floats) -> float:
    """1 - min over s >= 0 of |h - s k|^2 / |h|^2 for responses h (n,) and k (n,)."""
    scale = np.abs(response).max(initial=0.0) * np.abs(other).max(initial=0.0)
    if scale == 0.0:
        return 0.0
    h, k = response / np.abs(response).max(), other / np.abs(other).max()
    return float(max(h @ k, 0.0) ** 2 / ((h @ h) * (k @ k)))


def neuron_report(
    frame: Frame, A: Floats, weight: Floats, bias: float, wedge: NearWedge, *, layer: int, index: int
) -> NeuronReport:
    """Compare a neuron with a wedge on the inputs A (n, d) of its layer."""
    n = frame.n
    samples = wedge.rows[(wedge.rows >= 0) & (wedge.rows < n)]
    length = float(row_norms(weight[None, :], "l2")[0])
    response = A @ weight + bias
    normal, offset = from_working(frame, wedge.normal[None, :], np.array([wedge.offset]))
    return NeuronReport(
        layer=layer,
        index=index,
        samples=tuple(int(i) for i in samples),
        axes=tuple(int(i) - n for i in wedge.rows[wedge.rows >= n]),
        inner_products=tuple(float(p) for p in response[samples] / length),
        angle=float(np.degrees(wedge.angle)),
        share=response_share(RELU.value(response), RELU.value(A @ normal[0] + offset[0])),
    )
