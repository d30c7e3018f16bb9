"""The best multipliers omega and k of a piece for given multipliers of the samples: a convex problem in two numbers.

With H = omega I_w + k e_b e_b' - Q positive definite and g = c + k (l + u)/2 e_b, twice the bound of the response is
constant + omega - k l u + g'H^-1 g. At y = H^-1 g its derivatives are 1 - |y_w|^2 and (y_b - l)(u - y_b).
"""

from __future__ import annotations

import numpy as np

from convexnn._types import Floats

__all__ = ["best_multipliers"]


def best_multipliers(
    Q: Floats, c: Floats, ends: tuple[float, float] | None, start: tuple[float, float], steps: int = 40
) -> tuple[float, float, float]:
    """omega, k and omega - k l u + g'H^-1 g after Newton steps in log omega and log k.

    Parameters
    ----------
    Q, c : (q, q) and (q,) array
        Quadratic and half the linear part of the form, the bias last.
    ends : (l, u), optional
        Of the bias; None without a bias.
    start : (omega, k)
        Where to start; raised until H is positive definite.
    """
    q = len(c)
    weights = q if ends is None else q - 1
    low, high = ends if ends is not None else (0.0, 0.0)
    J = np.zeros(q)
    J[:weights] = 1.0
    e = 1.0 - J

    def value(om: float, k: float) -> tuple[float, Floats, Floats]:
        H = np.diag(om * J + k * e) - Q
        g = c + 0.5 * k * (low + high) * e
        try:
            L = np.linalg.cholesky(H)
        except np.linalg.LinAlgError:
            return np.inf, g, H
        half = np.linalg.solve(L, g)
        return om - k * low * high + float(half @ half), np.linalg.solve(L.T, half), H

    scale = max(float(np.linalg.eigvalsh(Q)[-1]), float(np.linalg.norm(c)) * 1e-3, 1e-300)
    om, k = max(start[0], 1e-12 * scale), max(start[1], 1e-12 * scale)
    best, y, H = value(om, k)
    while not np.isfinite(best) and om < 1e6 * scale:
        om, k = 1.5 * om + 1e-3 * scale, (1.5 * k + 1e-3 * scale if ends is not None else k)
        best, y, H = value(om, k)
    for _ in range(steps):
        du = np.linalg.solve(H, J * y)
        gradient = np.array([1.0 - float((J * y) @ y), 0.0])
        hessian = np.array([[2.0 * float((J * y) @ du), 0.0], [0.0, 1.0]])
        if ends is not None:
            db = np.linalg.solve(H, (0.5 * (low + high) - y[-1]) * e)
            gradient[1] = (y[-1] - low) * (high - y[-1])
            hessian[0, 1] = hessian[1, 0] = -2.0 * float((J * y) @ db)
            hessian[1, 1] = (low + high - 2.0 * y[-1]) * float(db[-1])
        step = -np.linalg.solve(hessian + 1e-12 * np.trace(hessian) * np.eye(2) + 1e-300, gradient)
        length = 1.0
        while length > 1e-6:
            trial = max(om + length * step[0], 0.1 * om), max(k + length * step[1], 0.1 * k)
            found, z, K = value(*trial)
            if found < best:
                break
            length *= 0.5
        else:
            break
        gained = best - found
        (om, k), best, y, H = trial, found, z, K
        if gained <= 1e-10 * abs(best):
            break
    return om, k, best
