"""The training objective of a network of any depth, with its gradient: the one place that differentiates through it.

A network is a sequence of layers (weight (out, in), bias (out,)). Arrays may have one more leading axis, which counts
networks of equal shape that are evaluated together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convexnn._types import Bools, Floats
from convexnn.losses import Loss
from convexnn.network.activation import RELU, Activation

__all__ = ["Forward", "backward", "forward", "loss_and_gradient", "objective_and_gradient"]

Layer = tuple[Floats, Floats]


@dataclass(frozen=True)
class Forward:
    """What an evaluation passes through.

    Attributes
    ----------
    inputs : list of (n, in) arrays
        What enters each layer: the samples, then the hidden neurons s(t).
    active : list of (n, width) arrays of bool
        Whether the argument t of the activation is positive, one array per hidden layer.
    outputs : (n, c) array
    """

    inputs: list[Floats]
    active: list[Bools]
    outputs: Floats


def forward(layers: Sequence[Layer], X: Floats, activation: Activation = RELU) -> Forward:
    """Evaluate a network at samples X (n, d), keeping what :func:`backward` needs."""
    inputs, active = [X], []
    for weight, bias in layers[:-1]:
        pre = inputs[-1] @ weight.mT
        pre += bias[..., None, :]
        active.append(pre > 0.0)
        inputs.append(activation.value(pre, out=pre))
    weight, bias = layers[-1]
    return Forward(inputs, active, np.asarray(inputs[-1] @ weight.mT + bias[..., None, :]))


def backward(
    layers: Sequence[Layer], passed: Forward, signal: Floats, activation: Activation = RELU
) -> list[Layer]:
    """Gradient of a function of the outputs in every weight and bias, by the chain rule from the last layer back.

    Parameters
    ----------
    layers : sequence of (weight (out, in), bias (out,)) pairs
    passed : Forward
        Of these layers. It is used up: all but the first of its inputs are overwritten.
    signal : (n, c) array
        Gradient of the function at the outputs.
    activation : Activation
        At its kink the derivative is that of the inactive side.

    Returns
    -------
    list of (weight (out, in), bias (out,)) pairs
    """
    gradient: list[Layer] = []
    for k in reversed(range(len(layers))):
        gradient.append((signal.mT @ passed.inputs[k], signal.sum(axis=-2)))
        if k:
            # The hidden neurons have been used, so the signal takes their memory: allocating would cost as much again.
            signal = np.matmul(signal, layers[k][0], out=passed.inputs[k])
            signal = activation.pull_back(signal, passed.active[k - 1])
    return gradient[::-1]


def loss_and_gradient(
    layers: Sequence[Layer], X: Floats, loss: Loss, activation: Activation = RELU
) -> tuple[float, list[Layer]]:
    """loss(f(X)) and its gradient in every weight and bias."""
    passed = forward(layers, X, activation)
    return loss.value(passed.outputs), backward(layers, passed, loss.gradient(passed.outputs), activation)


def objective_and_gradient(
    layers: Sequence[Layer], X: Floats, loss: Loss, beta: float, activation: Activation = RELU
) -> tuple[float, list[Layer]]:
    """loss(f(X)) + beta/2 sum_k ||W_k||_F^2 (biases free), and its gradient in every weight and bias."""
    value, gradient = loss_and_gradient(layers, X, loss, activation)
    decay = 0.5 * beta * sum(float((weight * weight).sum()) for weight, _ in layers)
    pairs = [(down + beta * weight, slope) for (weight, _), (down, slope) in zip(layers, gradient)]
    return value + decay, pairs
