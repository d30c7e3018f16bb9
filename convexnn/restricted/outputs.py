"""Groups of output weights: every atom feeds all outputs, and Newton systems fall apart into one per output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convexnn._types import Floats, Ints

__all__ = ["OutputBlocks", "OutputGram"]

# A step that brings a group below this share of its length would leave it at zero.
_THROUGH = 0.1
# Residual of a Newton system, relative to its right-hand side, up to which the structured solution counts. With 1e-3
# short groups (1e-8 of the longest) had steps that went uphill.
_SOLVED = 1e-8


class OutputBlocks:
    """Blocks G_j = K_j (x) I_c."""

    def __init__(self, columns: Floats, c: int) -> None:
        self._K = columns  # (k, n)
        self._c = c
        self.starts: Ints = np.arange(len(columns) + 1, dtype=np.int64) * c

    def outputs(self, a: Floats) -> Floats:
        return np.asarray(self._K.T @ a.reshape(-1, self._c))

    def correlate(self, v: Floats) -> Floats:
        return np.asarray((self._K @ v).ravel())

    def gram(self, h: Floats) -> Floats | OutputGram:
        K, k, c = self._K, len(self._K), self._c
        if h.ndim == 2:
            if (h == h[:, :1]).all():
                h = h[:, :1]
            grams = np.stack([self._weighted(column) for column in h.T])
            return OutputGram(grams, np.asarray((K @ h).T), h.sum(axis=0), c)
        out = np.zeros((k, c, k, c))
        for o in range(c):
            for p in range(o, c):
                out[:, o, :, p] = (K * h[:, o, p]) @ K.T
                out[:, p, :, o] = out[:, o, :, p]
        return out.reshape(k * c, k * c)

    def _weighted(self, h: Floats) -> Floats:
        """K diag(h) K'; a hinge is flat at most samples, and those share one matrix."""
        floor = h.min()
        steep = np.flatnonzero(h > floor)
        if 2 * len(steep) >= len(h):
            return np.asarray((self._K * h) @ self._K.T)
        part = self._K.take(steep, axis=1)
        return np.asarray((part * (h[steep] - floor)) @ part.T + floor * self._plain)

    @cached_property
    def _plain(self) -> Floats:
        return np.asarray(self._K @ self._K.T)

    def border(self, h: Floats) -> Floats:
        k, c = len(self._K), self._c
        if h.ndim == 3:
            return np.asarray(np.einsum("kn,nop->kop", self._K, h).reshape(k * c, c))
        return np.asarray(((self._K @ h)[:, :, None] * np.eye(c)).reshape(k * c, c))

    def reach(self, a: Floats, d: Floats) -> Floats:
        """For every group the step at which it passes (nearly) through zero, where its norm has a kink."""
        groups, moves = a.reshape(-1, self._c), d.reshape(-1, self._c)
        square, inner = (groups * groups).sum(axis=1), (groups * moves).sum(axis=1)
        speed = np.maximum((moves * moves).sum(axis=1), np.finfo(float).tiny)
        closest = square - inner * inner / speed
        through = (inner < 0) & (closest < _THROUGH**2 * square)
        return np.where(through, -inner / speed, np.inf)


@dataclass(frozen=True)
class OutputGram:
    """Curvature of a loss that does not couple outputs, in groups and intercepts.

    Attributes
    ----------
    grams : (c, k, k) or (1, k, k) array
        K diag(h_o) K'; one if all outputs have the same.
    border : (c, k) or (1, k) array
        K h_o.
    corner : (c,) or (1,) array
        Sums of h_o.
    n_outputs : int
    """

    grams: Floats
    border: Floats
    corner: Floats
    n_outputs: int

    def block(self, j: int) -> Floats:
        """Curvature (c, c) in the weights of one group."""
        return np.asarray(np.eye(self.n_outputs) * self.grams[:, j, j])

    def dense(self) -> Floats:
        """All of it, (k c, k c)."""
        k, c = self.grams.shape[1], self.n_outputs
        out = np.zeros((k, c, k, c))
        for o in range(c):
            out[:, o, :, o] = self.grams[o % len(self.grams)]
        return out.reshape(k * c, k * c)

    def step(
        self, directions: Floats, stiffness: Floats, gradient: Floats, residual: Floats | None
    ) -> tuple[Floats, Floats] | None:
        """Solve the Newton system whose penalty has the curvature stiffness_j (I - u_j u_j') in group j.

        Without u_j u_j' it falls apart into outputs; the rest has one direction per group, so that the formula of
        Sherman, Morrison and Woodbury needs one more system of order k. All together costs a c^2-th of the dense one.

        Parameters
        ----------
        directions : (k c,) array
            The u_j.
        stiffness : (k,) array
        gradient : (k c,) array
        residual : (c,) array or None
            Minus the gradient in the intercepts, if there are any.

        Returns
        -------
        step (k c,) and step of the intercepts (c,); None where rounding spoils the formula
        """
        c, k, free = self.n_outputs, len(stiffness), int(residual is not None)
        along = directions.reshape(k, c).T[:, :, None]
        G = np.zeros((len(self.grams), k + free, k + free))
        G[:, :k, :k] = self.grams
        right = np.zeros((c, k + free, 1))
        right[:, :k, 0] = -gradient.reshape(k, c).T
        if residual is not None:
            G[:, :k, k] = G[:, k, :k] = self.border
            G[:, k, k] = self.corner
            right[:, k, 0] = residual
        M = G.copy()
        M[:, range(k), range(k)] += stiffness
        diagonal = np.diagonal(M, axis1=1, axis2=2)
        if not (diagonal > 0).all():
            return None
        scale = 1.0 / np.sqrt(diagonal)[:, :, None]
        try:
            inverse = np.linalg.inv(M * scale * scale.transpose(0, 2, 1)) * scale * scale.transpose(0, 2, 1)
            # 1 / stiffness - u'M^-1 u without the cancellation: I - M^-1 (M - G) = M^-1 G.
            core = (along * (inverse @ G)[:, :k, :k] * along.transpose(0, 2, 1)).sum(axis=0) / stiffness
            # Short groups have entries of very different size.
            size = np.sqrt(np.maximum(core.diagonal(), np.finfo(float).tiny))
            core = np.linalg.inv(core / size[:, None] / size) / size[:, None] / size
        except np.linalg.LinAlgError:
            return None

        def solve(b: Floats) -> Floats:
            y = inverse @ b
            turned = np.zeros_like(y)
            turned[:, :k] = along * (core @ (along * y[:, :k]).sum(axis=0))
            return np.asarray(y + inverse @ turned)

        def left_over(x: Floats) -> Floats:
            out = right - G @ x
            out[:, :k] -= stiffness[:, None] * (x[:, :k] - along * (along * x[:, :k]).sum(axis=0))
            return np.asarray(out)

        x = solve(right)
        for _ in range(2):
            x += solve(left_over(x))
        solved = np.linalg.norm(left_over(x) * scale) <= _SOLVED * np.linalg.norm(right * scale)
        if not (solved and float((right * x).sum()) > 0.0):  # a step must go downhill
            return None
        return x[:, :k, 0].T.ravel(), x[:, k, 0].copy() if free else np.zeros(c)
