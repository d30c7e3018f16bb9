"""Networks as neurons of a problem in working coordinates, and back."""

from __future__ import annotations

import numpy as np

from convexnn.network import ReLUNetwork
from convexnn.network.neurons import NeuronSet
from convexnn.network.reconstruct import reconstruct
from convexnn.network.relu import row_norms
from convexnn.restricted.problem import LassoProblem

__all__ = ["network_of", "neurons_of"]


def neurons_of(problem: LassoProblem, network: ReLUNetwork) -> NeuronSet:
    """The neurons of a network without those that are constant on the samples; a free intercept takes what they add."""
    frame = problem.frame
    rows, biases = network.hidden_weights, network.hidden_biases
    if frame.penalized:
        rows, biases = np.hstack([rows, biases[:, None]]), np.zeros(len(rows))
    normals, offsets = rows @ frame.lift, (biases + rows @ frame.shift) / frame.scale
    length = row_norms(normals, frame.norm)
    z = network.output_weights * (frame.scale / problem.y_scale)
    t = (network.intercept - problem.y_shift) / problem.y_scale
    constant = length == 0
    if problem.intercept:
        t = t + np.maximum(offsets[constant], 0.0) @ z[constant]
    on = np.flatnonzero(~constant & z.any(axis=1))
    unit = length[on, None]
    found = NeuronSet.found(normals[on] / unit, offsets[on] / unit[:, 0], width=frame.subset_size)
    return found.with_coef(z[on] * unit, t)


def network_of(problem: LassoProblem, neurons: NeuronSet) -> ReLUNetwork:
    """The network of some neurons, in the units of the user."""
    weights, biases = problem.frame.to_input(neurons.normals, neurons.offsets)
    z, t = problem.to_input(neurons.coef, neurons.intercept)
    return reconstruct(z, weights, biases, t, norm=problem.norm, bias=problem.bias)
