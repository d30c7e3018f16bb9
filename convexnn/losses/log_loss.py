"""Log loss, the negative log-likelihood of classes: one output for two classes, c outputs for c classes.

The targets decide, as in scikit-learn. A column of labels -1 and +1 belongs to one output, the log-odds of the positive
class. Rows (n, c), c >= 2, of class probabilities belong to c outputs, the log-odds up to a common constant (softmax).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import entr, logsumexp, softmax

from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError
from convexnn.losses.base import Loss
from convexnn.losses.log_loss_multilabel import MultilabelLogLoss

__all__ = ["MulticlassLogLoss", "TwoClassLogLoss", "log_loss"]

_EPS = float(np.finfo(float).eps)
# exp(-750) is zero in double precision.
_VANISHED = 750.0


def log_loss(y: Floats, sample_weight: ArrayLike | None = None) -> Loss:
    """The log loss of targets y (n, c): of two classes if c = 1, else of c classes."""
    return (TwoClassLogLoss if y.shape[1] == 1 else MulticlassLogLoss)(y, sample_weight)


class TwoClassLogLoss(MultilabelLogLoss):
    """l(f; y) = log(1 + exp(-y f)), labels -1 and +1 in one column."""

    name = "log_loss"


class MulticlassLogLoss(Loss):
    """l(f; y) = log sum_k exp(f_k) - y.f with rows y of class probabilities, usually one-hot (n, c)."""

    name = "log_loss"

    def _check_targets(self) -> None:
        rows = self.y.sum(axis=1)
        if (self.y < 0).any() or np.abs(rows - 1.0).max() > 1e-9:
            raise DataError(
                f"loss='log_loss' with several outputs needs one-hot rows or class probabilities that sum to 1, "
                f"but y has shape {self.y.shape} and row sums from {rows.min():g} to {rows.max():g}; "
                "use np.eye(n_classes)[labels], or loss='log_loss_multilabel' for labels -1 and +1 in every column."
            )

    def value(self, f: Floats) -> float:
        g = f - f.max(axis=1, keepdims=True)
        each = logsumexp(g, axis=1, keepdims=True) - (self.y * g).sum(axis=1, keepdims=True)
        return float(np.sum(self._weighted(each)))

    def gradient(self, f: Floats) -> Floats:
        return self._weighted(np.asarray(softmax(f, axis=1)) - self.y)

    def curvature(self, f: Floats) -> Floats:
        p = np.asarray(softmax(f, axis=1))
        return self._weighted(p * (1.0 - p))

    def hessian(self, f: Floats) -> Floats:
        """Hessian (n, c, c) of each sample; at most twice its diagonal :meth:`curvature`."""
        p = np.asarray(softmax(f, axis=1))
        blocks: Floats = np.einsum("ik,kl->ikl", p, np.eye(p.shape[1])) - p[:, :, None] * p[:, None, :]
        return blocks if self.weight is None else blocks * self.weight[:, :, None]

    def _shares(self, v: Floats) -> Floats:
        """Class probabilities s with v = w (y - s)."""
        if self.weight is None:
            return self.y - v
        with np.errstate(over="ignore"):
            return self.y - np.divide(v, self.weight, out=np.zeros(v.shape), where=self.weight > 0)

    def dual(self, v: Floats) -> float:
        if self.weight is not None and np.any(v[self.weight[:, 0] == 0]):
            return -np.inf
        s = self._shares(v)
        # s = y - v / w was rounded, so it lies on the simplex to a few units of rounding only.
        if not (s.min() >= -8 * _EPS and np.abs(s.sum(axis=1) - 1.0).max() <= 64 * _EPS * s.shape[1]):
            return -np.inf
        return float(np.sum(self._weighted(entr(np.maximum(s, 0.0)))))

    def dual_rounding(self, v: Floats) -> float:
        # Entropies of a share of at most one err by some units of rounding of one.
        return 64 * _EPS * float(self._weighted(np.ones_like(v)).sum()) * (1 + 1e-9)

    def value_rounding(self, f: Floats) -> float:
        size = 1.0 + np.abs(f).max(axis=1, keepdims=True)
        return 16 * _EPS * float(self._weighted(size).sum()) * (1 + 1e-9)

    def nearest_dual(self, v: Floats, *, centred: bool) -> Floats:
        s = _onto_simplex(self._shares(v))
        if centred:
            weight = np.ones((len(s), 1)) if self.weight is None else self.weight
            total = (weight * self.y).sum(axis=0)
            # Zero shares cannot be rebalanced; raise the floor only as far as it takes.
            for floor in (1e-300, 1e-16, 1e-8, 1e-4, 1e-2):
                logits = np.log(np.maximum(s, floor))
                balanced = np.asarray(softmax(logits + self.best_shift(logits), axis=1))
                if np.abs((weight * balanced).sum(axis=0) - total).max() <= 1e-13 * total.sum():
                    break
            s = balanced
        return self._weighted(self.y - s)

    def best_shift(self, f: Floats) -> Floats:
        weight = np.ones((len(f), 1)) if self.weight is None else self.weight
        seen = weight[:, 0] > 0
        g, y, w = f[seen], self.y[seen], weight[seen] / weight.max()
        present = (w * y).sum(axis=0) > 0
        shift = np.zeros(f.shape[1])
        shift[present] = _balance(g[:, present], y[:, present], w)
        if not present.all():
            # A class without samples is best never predicted: its probability vanishes.
            floor = (g[:, present] + shift[present]).max(axis=1, keepdims=True) - g[:, ~present]
            shift[~present] = floor.min(axis=0) - _VANISHED
        return shift

    def expression(self, f: Any) -> Any:
        import cvxpy as cp

        lead = cp.sum(cp.multiply(self.y, f), axis=1, keepdims=True)
        each = cp.log_sum_exp(f, axis=1, keepdims=True) - lead
        return cp.sum(self._weigh_expression(each))


def _onto_simplex(rows: Floats) -> Floats:
    """Nearest probability vector of each row: subtract one number per row and drop what turns negative."""
    ordered = -np.sort(-rows, axis=1)
    excess = (np.cumsum(ordered, axis=1) - 1.0) / np.arange(1, rows.shape[1] + 1)
    kept = (ordered > excess).sum(axis=1, keepdims=True) - 1
    s = np.maximum(rows - np.take_along_axis(excess, kept, axis=1), 0.0)
    return np.asarray(s / s.sum(axis=1, keepdims=True))


def _balance(f: Floats, y: Floats, w: Floats) -> Floats:
    """Shift t (mean zero) at which the class totals of softmax(f + t) equal those of y; w in (0, 1].

    Each round takes the best of a Newton step, two damped ones and one of iterative proportional fitting.
    First by the loss, which always falls; once that is lost in rounding, by the imbalance of the totals.
    """
    total = (w * y).sum(axis=0)
    centre = np.full((f.shape[1], f.shape[1]), float(w.sum()) / f.shape[1])

    def shares(t: Floats) -> Floats:
        return np.asarray(softmax(f + t, axis=1))

    def loss(t: Floats) -> float:
        return float((w[:, 0] * logsumexp(f + t, axis=1)).sum() - total @ t)

    def imbalance(t: Floats) -> float:
        return float(np.abs((w * shares(t)).sum(axis=0) - total).sum())

    def moves(t: Floats) -> list[Floats]:
        p = shares(t)
        now = (w * p).sum(axis=0)
        newton = -np.linalg.lstsq(np.diag(now) - p.T @ (w * p) + centre, now - total, rcond=None)[0]
        fitted = np.log(total) - np.log(np.maximum(now, np.finfo(float).tiny))
        return [newton, newton / 4, newton / 16, fitted, fitted / 16]

    t: Floats = np.zeros(f.shape[1])
    for merit, relative in ((loss, 1e-9), (imbalance, 0.0)):
        level = merit(t)
        for _ in range(200):
            if merit is imbalance and level <= 4 * _EPS * float(total.sum()):
                break
            trials = [t + move - move.mean() for move in moves(t)]
            levels = [merit(trial) for trial in trials]
            best = int(np.argmin(levels))
            if levels[best] >= level - relative * abs(level):
                break
            t, level = trials[best], levels[best]
    return t
