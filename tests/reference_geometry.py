"""Slow oracles of geometry and dictionaries: definitions by loops, exact arithmetic, brute force.

Nothing of convexnn is imported. Rows are samples; axes are the unit vectors as directions.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations, product
from math import gcd

import numpy as np

# --- algebra -------------------------------------------------------------------------------------


def cross_by_determinants(rows):
    """(-1)^k det(rows without column k), one determinant at a time."""
    rows = np.atleast_2d(rows)
    d = rows.shape[1]
    if d == 1:
        return np.ones(1)
    return np.array([(-1) ** k * np.linalg.det(np.delete(rows, k, axis=1)) for k in range(d)])


def exact_determinant(rows):
    """Sum over permutations in rational arithmetic."""
    n = len(rows)
    total = Fraction(0)
    for order in permutations(range(n)):
        sign = 1
        for i in range(n):
            for j in range(i):
                sign = -sign if order[j] > order[i] else sign
        term = Fraction(sign)
        for i in range(n):
            term *= Fraction(rows[i][order[i]])
        total += term
    return total


def exact_cross(rows, d):
    """Cross product of d - 1 rows of numbers as fractions."""
    return [
        (-1) ** k * exact_determinant([[row[j] for j in range(d) if j != k] for row in rows])
        for k in range(d)
    ]


# --- dictionaries --------------------------------------------------------------------------------


def primitive(numbers):
    """Integers without common divisor, first nonzero positive: one name for a hyperplane."""
    numbers = [Fraction(x) for x in numbers]
    scale = 1
    for x in numbers:
        scale = scale * x.denominator // gcd(scale, x.denominator)
    integers = [int(x * scale) for x in numbers]
    divisor = 0
    for x in integers:
        divisor = gcd(divisor, abs(x))
    integers = [x // divisor for x in integers]
    first = next(x for x in integers if x)
    return tuple(x if first > 0 else -x for x in integers)


def exact_hyperplanes(X, norm, bias):
    """All hyperplanes of full-rank integer data as a set of primitive integer vectors (u, c)."""
    X = [[int(x) for x in row] for row in X]
    if bias == "penalized":
        X = [row + [1] for row in X]
    d = len(X[0])
    axes = [[int(i == k) for i in range(d)] for k in range(d)] if norm == "l1" else []
    found = set()
    if bias is not True:
        for subset in combinations(X + axes, d - 1):
            u = exact_cross(subset, d)
            if any(u):
                found.add(primitive([*u, 0]))
        return found
    for j, pivot in enumerate(X):
        edges = [[a - b for a, b in zip(x, pivot)] for x in X[j + 1 :]] + axes
        for subset in combinations(edges, d - 1):
            u = exact_cross(subset, d)
            if any(u):
                found.add(primitive([*u, -sum(a * b for a, b in zip(u, pivot))]))
    return found


def brute_hyperplanes(X, norm, bias, tolerance=1e-7):
    """Unit hyperplanes (u, c) of any data: null vectors of all subsets, equal ones removed by comparison.

    l2: normals inside the span of the rows (of the differences, with bias), so that the rank decides how
    many rows a subset needs.
    """
    X = np.asarray(X, dtype=float)
    if bias == "penalized":
        X = np.hstack([X, np.ones((len(X), 1))])
    d = X.shape[1]
    span = X - X[0] if bias is True else X
    if norm == "l2":
        _, s, vt = np.linalg.svd(span)
        basis = vt[: int((s > 1e-9 * max(s.max(), 1e-300)).sum())] if s.size and s.max() > 0 else vt[:0]
        axes = np.zeros((0, d))
    else:
        basis, axes = np.eye(d), np.eye(d)
    r = len(basis)
    if r == 0:
        return np.zeros((0, d + 1))
    found = []
    pivots = X if bias is True else np.zeros((1, d))
    for pivot in pivots:
        rows = np.vstack([X - pivot, axes]) @ basis.T
        for subset in combinations(rows, r - 1):
            u = _null_vector(np.array(subset).reshape(r - 1, r), r, np.abs(span).max())
            if u is None:
                continue
            u = basis.T @ u
            u /= np.abs(u).sum() if norm == "l1" else np.linalg.norm(u)
            plane = np.append(u, -u @ pivot)
            size = np.append(np.ones(d), max(1.0, np.abs(X).max()))
            new = all(
                min(np.abs((plane - o) / size).max(), np.abs((plane + o) / size).max()) > tolerance
                for o in found
            )
            if new:
                found.append(plane)
    return np.array(found).reshape(len(found), d + 1)


def _null_vector(rows, r, size):
    if r == 1:
        return np.ones(1)
    length = np.linalg.norm(rows, axis=1)
    if (length <= 1e-9 * size).any():
        return None
    _, s, vt = np.linalg.svd(rows / length[:, None])
    return vt[-1] if s[-1] > 1e-8 else None


def columns_of(planes, X, bias):
    """K of both orientations by the definition, entry by entry."""
    X = np.asarray(X, dtype=float)
    if bias == "penalized":
        X = np.hstack([X, np.ones((len(X), 1))])
    K = np.zeros((len(X), 2 * len(planes)))
    for h, plane in enumerate(planes):
        for i, x in enumerate(X):
            value = float(x @ plane[:-1] + plane[-1])
            K[i, 2 * h], K[i, 2 * h + 1] = max(value, 0.0), max(-value, 0.0)
    return K


def same_columns(A, B, tolerance):
    """Are the columns of A and B the same up to order? (greedy matching, so multiplicity counts)"""
    if A.shape != B.shape:
        return False
    left = list(range(B.shape[1]))
    for a in A.T:
        distance = [np.abs(a - B[:, j]).max() for j in left]
        k = int(np.argmin(distance)) if left else -1
        if k < 0 or distance[k] > tolerance:
            return False
        left.pop(k)
    return True


# --- cells ---------------------------------------------------------------------------------------


def hull_distance(points):
    """Distance of the origin from a hull: the least over all faces whose nearest point is inside."""
    best = np.inf
    r = points.shape[1]
    for size in range(1, r + 1):
        for face in combinations(points, size):
            face = np.array(face)
            system = np.block([[face @ face.T, np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            solution, *_ = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)
            weights = solution[:size]
            if (weights >= -1e-9).all() and abs(weights.sum() - 1) < 1e-8:
                best = min(best, float(np.linalg.norm(weights @ face)))
    return best


def cells_of(rows):
    """Extreme rays of every cell of planes through the origin: all wedges, sorted into all sign patterns."""
    r = rows.shape[1]
    rays = []
    for subset in combinations(rows, r - 1):
        u = cross_by_determinants(np.array(subset).reshape(r - 1, r))
        if np.linalg.norm(u) > 1e-9:
            u = u / np.linalg.norm(u)
            for v in (u, -u):
                if all(np.abs(v - w).max() > 1e-9 for w in rays):
                    rays.append(v)
    rays = np.array(rays)
    side = rays @ rows.T
    patterns = set()
    for ray_side in side:
        zero = np.flatnonzero(np.abs(ray_side) < 1e-9)
        for choice in product((-1, 1), repeat=len(zero)):
            pattern = np.sign(ray_side)
            pattern[zero] = choice
            patterns.add(tuple(pattern))
    cells = []
    for pattern in patterns:
        inside = (side * np.array(pattern) > -1e-9).all(axis=1)
        # Fewer than r independent rays: a pattern of no cell, only of a face.
        if np.linalg.matrix_rank(rays[inside], tol=1e-6) == r:
            cells.append(rays[inside])
    return cells
