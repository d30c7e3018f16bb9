"""The non-convex training objective as a function of one flat vector: what every local method minimises."""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats
from convexnn.losses import Loss
from convexnn.network.objective import loss_and_gradient

__all__ = ["Objective"]


class Objective:
    """Loss plus half the squared weights of a network of fixed width, with its gradient.

    The vector holds hidden weights, biases, output weights, intercept. For l1 a weight is the difference of two
    nonnegative ones, which makes the objective smooth.

    Parameters
    ----------
    X : (n, d) array
    loss : Loss
        Bound to the targets.
    beta : float
    norm : "l1" or "l2"
    free : bool
        Whether there are biases and an intercept.
    width : int
    share : float
        Weight of the loss, n / size for a batch.
    """

    def __init__(
        self, X: Floats, loss: Loss, beta: float, norm: str, *, free: bool, width: int, share: float = 1.0
    ) -> None:
        self.X, self.loss, self.beta, self.split, self.free = X, loss, beta, norm == "l1", free
        self.share = share
        m, d, c = width, X.shape[1], loss.y.shape[1]
        copies = 2 if self.split else 1
        self.shapes = [(copies, m, d), (m if free else 0,), (copies, m, c), (c if free else 0,)]
        self.ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])

    @property
    def lower_bounds(self) -> Floats:
        """Zero for both parts of a split weight, none for biases and for weights of l2."""
        signs = [0.0, -np.inf, 0.0, -np.inf] if self.split else [-np.inf] * 4
        return np.concatenate([np.full(int(np.prod(shape)), low) for low, shape in zip(signs, self.shapes)])

    def start(self, rng: np.random.Generator) -> Floats:
        """Gaussian with variance 2 / d for hidden and 1 / m for output weights."""
        (_, m, d), _, (_, _, c), _ = self.shapes
        weights = [rng.normal(size=(m, d)) * np.sqrt(2.0 / d), rng.normal(size=(m, c)) / np.sqrt(m)]
        parts = [np.stack([np.maximum(w, 0), np.maximum(-w, 0)]) if self.split else w[None] for w in weights]
        biases = rng.normal(size=self.shapes[1]) * 0.1
        return np.concatenate([parts[0].ravel(), biases, parts[1].ravel(), np.zeros(self.shapes[3])])

    def _parts(self, theta: Floats) -> list[Floats]:
        flat = np.split(theta, self.ends[:-1])
        return [part.reshape(shape) for part, shape in zip(flat, self.shapes)]

    def unpack(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Hidden weights (m, d), biases (m,), output weights (m, c), intercept (c,)."""
        hidden, biases, output, intercept = self._parts(theta)
        m, c = output.shape[1:]
        whole = [part[0] - part[1] if self.split else part[0] for part in (hidden, output)]
        return (
            whole[0],
            biases if self.free else np.zeros(m),
            whole[1],
            intercept if self.free else np.zeros(c),
        )

    def _decay(self, parts: Floats) -> tuple[float, Floats]:
        """Half the squared norm of each neuron's weights, summed, and its gradient."""
        if not self.split:
            return 0.5 * float(np.sum(parts * parts)), parts
        length = parts.sum(axis=(0, 2))
        return 0.5 * float(length @ length), np.broadcast_to(length[:, None], parts.shape)

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """Objective and its gradient at a flat vector (at kinks: that of the inactive side)."""
        hidden, biases, output, intercept = self.unpack(theta)
        layers = ((hidden, biases), (output.T, intercept))
        loss, ((grad_hidden, grad_biases), (grad_output, grad_intercept)) = loss_and_gradient(layers, self.X, self.loss)
        parts = self._parts(theta)
        decay_hidden, down_hidden = self._decay(parts[0])
        decay_output, down_output = self._decay(parts[2])
        signs = np.array([1.0, -1.0])[: parts[0].shape[0], None, None]
        gradient = [
            signs * (self.share * grad_hidden) + self.beta * down_hidden,
            self.share * grad_biases if self.free else np.zeros(0),
            signs * (self.share * grad_output.T) + self.beta * down_output,
            self.share * grad_intercept if self.free else np.zeros(0),
        ]
        value = self.share * loss + self.beta * (decay_hidden + decay_output)
        return float(value), np.concatenate([part.ravel() for part in gradient])
