"""The wedge that plays the largest part when the dictionary has to reproduce a neuron's response."""

from __future__ import annotations

import numpy as np

from convexnn._progress import Clock
from convexnn._types import Floats
from convexnn.geometry.frame import Frame
from convexnn.network import RELU
from convexnn.refine.wedges import NearWedge, to_working
from convexnn.training.driver import Driver

__all__ = ["representing_wedges"]

# Penalty of the Lasso as a share of its beta_max: small, so that the fit is close, yet sparse.
_SHARE = 1e-2
_SECONDS = 10.0


def representing_wedges(frame: Frame, A: Floats, weights: Floats, biases: Floats) -> list[NearWedge | None]:
    """For each neuron min over z of 1/2 |K z - h|^2 + beta |z|_1 with h its response to A (n, d); the leading atom.

    K is the dictionary of A; the atom with the largest positive contribution z_j |K_j| is the wedge.
    """
    return [_representing(frame, A, weight, float(bias)) for weight, bias in zip(weights, biases)]


def _representing(frame: Frame, A: Floats, weight: Floats, bias: float) -> NearWedge | None:
    response = RELU.value(A @ weight + bias)
    if np.ptp(response) == 0.0:
        return None
    session = Driver(A, response, norm=frame.norm, bias=frame.affine, scope="dictionary")
    largest = session.beta_max()
    if largest == 0.0:
        return None
    found = session.solve(_SHARE * largest, tol=1e-6, max_iter=200, clock=Clock(_SECONDS))
    if not len(found.atoms):
        return None
    columns = found.atoms.columns(A)
    part = np.asarray(found.coef) * np.linalg.norm(columns, axis=0)
    j = int(np.argmax(part))
    if part[j] <= 0:
        return None
    normals, offsets = to_working(frame, found.atoms.normals[j : j + 1], found.atoms.offsets[j : j + 1])
    neuron, _ = to_working(frame, weight[None, :], np.array([bias]))
    cosine = float(normals[0] @ neuron[0]) / float(np.linalg.norm(normals[0]) * np.linalg.norm(neuron[0]))
    rows = found.atoms.generators[j]
    return NearWedge(normals[0], float(offsets[0]), rows[rows >= 0], float(np.arccos(np.clip(cosine, -1.0, 1.0))))
