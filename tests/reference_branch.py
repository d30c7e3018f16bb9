"""The largest l2 response by looking at every face of the arrangement: slow, for a handful of samples."""

from __future__ import annotations

import itertools

import numpy as np


def largest_by_faces(X, v, bias):
    """Largest l2 response of all neurons in any dimension, for up to seven samples.

    On a face, where some samples are zero and the active set of the others is fixed, the response is the length of
    a matrix times u: its maximum over unit u in the span of the face is the top singular value. The best neuron is
    the top singular vector of its own face, so trying all of them, feasible or not, and evaluating the response
    there gives the maximum.
    """
    if bias is True:
        # At the best bias a sample lies on the hyperplane: measured from it, there are no biases.
        return max(largest_by_faces(X - x, v, False) for x in X)
    rows = np.hstack([X, np.ones((len(X), 1))]) if bias == "penalized" else X
    n, d = rows.shape
    best = 0.0
    for size in range(d):
        for face in itertools.combinations(range(n), size):
            others = [i for i in range(n) if i not in face]
            span = np.eye(d) - np.linalg.pinv(rows[list(face)]) @ rows[list(face)] if face else np.eye(d)
            patterns = np.array(list(itertools.product([0.0, 1.0], repeat=len(others))))
            matrices = np.einsum("pi,ic,id->pcd", patterns, v[others], rows[others]) @ span
            units = np.linalg.svd(matrices)[2][:, 0] @ span
            lengths = np.linalg.norm(units, axis=1)
            units = units[lengths > 1e-9] / lengths[lengths > 1e-9, None]
            for u in (units, -units):
                responses = np.maximum(u @ rows.T, 0.0) @ v
                best = max(best, float(np.linalg.norm(responses, axis=1).max(initial=0.0)))
    return best
