"""
How many digits do constructed networks keep?
=============================================

Class means whose smallest singular value is 1/kappa of the largest, in float32, float64 and long double, two ways:

- *built and evaluated* in one precision, by a small generic implementation of four constructions (Householder QR and
  closed forms; LAPACK has no long double);
- *stored*: the package's networks, built in double precision, rounded to the other one and evaluated there.

The error is the largest one of an output on the training set, against long double or against the targets.

    python constructive_precision.py FOLDER

Writes ``precision.md`` and ``precision.png``.
"""

import sys
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from convexnn.constructive import (
    clamp_construct,
    deep_construct,
    sequential_construct,
    shallow_affine,
    shallow_construct,
)
from convexnn.exceptions import ConditioningWarning, ConstructionError
from convexnn.network import DeepReLUNetwork, ReLUNetwork

Q, M, N = 5, 8, 6
KAPPA = np.logspace(0, 8, 9)
DRAWS = 5
TYPES = {"float32": np.float32, "float64": np.float64, "long double": np.longdouble}


def clusters(kappa, rng):
    """Means with singular values from 1 down to 1/kappa; the noise is 0.05 in mean coordinates for every "
    "kappa."""
    left = np.linalg.qr(rng.standard_normal((Q, Q)))[0]
    right = np.linalg.qr(rng.standard_normal((M, Q)))[0]
    means = left @ np.diag(np.logspace(0, -np.log10(kappa), Q)) @ right.T
    labels = np.repeat(np.arange(Q), N)
    return means[labels] + 0.05 * rng.standard_normal((len(labels), Q)) @ means, labels


# --- four constructions in any precision; samples are rows, factors follow the papers' letters -----------------


def qr(a):
    """Householder QR of a tall matrix in its own precision."""
    r, u = a.copy(), np.eye(len(a), dtype=a.dtype)
    for k in range(a.shape[1]):
        v = r[k:, k].copy()
        v[0] += np.copysign(np.sqrt(v @ v), v[0])
        v /= np.sqrt(v @ v)
        r[k:] -= 2 * np.outer(v, v @ r[k:])
        u[:, k:] -= 2 * np.outer(u[:, k:] @ v, v)
    return u[:, : a.shape[1]], np.triu(r[: a.shape[1]])


def solve_upper(t, b):
    x = b.copy()
    for k in range(len(t) - 1, -1, -1):
        x[k] = (x[k] - t[k, k + 1 :] @ x[k + 1 :]) / t[k, k]
    return x


def pen(columns):
    """(A^T A)^{-1} A^T by QR."""
    u, t = qr(columns)
    return solve_upper(t, u.T.copy())


def means_of(X, labels):
    return np.stack([X[labels == j].sum(axis=0) / X.dtype.type((labels == j).sum()) for j in range(Q)])


def generic_shallow(X, labels):
    u, t = qr(means_of(X, labels).T)
    shift = 2 * np.sqrt((X * X).sum(axis=1).max())
    out = solve_upper(t, np.eye(Q, dtype=X.dtype))
    ones = np.ones(Q, dtype=X.dtype)
    return [(u.T, shift * ones), (out, -shift * (out @ ones))]


def generic_affine(X, labels):
    means = means_of(X, labels)
    centre = means.sum(axis=0) / X.dtype.type(Q)
    u, t = qr((means - centre)[:-1].T)
    targets = np.eye(Q, dtype=X.dtype) - X.dtype.type(1) / Q
    out = targets[:, :-1] @ solve_upper(t, np.eye(Q - 1, dtype=X.dtype))
    shift = 2 * np.sqrt(((X - centre) ** 2).sum(axis=1).max())
    ones = np.ones(Q - 1, dtype=X.dtype)
    return [(u.T, shift * ones - u.T @ centre), (out, X.dtype.type(1) / Q - shift * (out @ ones))]


def generic_clamp(X, labels):
    """Rows of Pen as normals; the last class is the background."""
    weights, biases = [], []
    for j, v in enumerate(pen(means_of(X, labels).T)[:-1]):
        along = X @ v
        lo, hi = along[labels != j].max(), along[labels == j].min()
        weights.append(v / (hi - lo))
        biases.append(-lo / (hi - lo))
    steps = np.eye(Q, dtype=X.dtype)[:, :-1].copy()
    steps[-1] = -1
    w, b = np.array(weights), np.array(biases)
    background = np.eye(Q, dtype=X.dtype)[-1]
    return [(np.vstack([w, w]), np.concatenate([b, b - 1])), (np.hstack([steps, -steps]), background)]


def generic_deep(X, labels):
    """Whitened coordinates, axes to the barycentre, cuts in the middle of the gaps."""
    dtype, one = X.dtype.type, X.dtype.type(1)
    start = pen(means_of(X, labels).T)
    z, eye, mean = X @ start.T, np.eye(Q, dtype=X.dtype), np.full((Q, Q), one / Q, dtype=X.dtype)
    layers, inverse, apexes, before = [], None, [], None
    for j in range(Q):
        axis = eye.sum(axis=0) / dtype(Q) - eye[j]
        axis /= np.sqrt(axis @ axis)
        along, on = (z - eye[j]) @ axis, labels == j
        apex = eye[j] + (along[on].max() + along[~on].min()) / 2 * axis
        v = axis - one / np.sqrt(dtype(Q))
        turn = eye - 2 * np.outer(v, v) / (v @ v)
        along = (z - apex) @ axis
        across = (z - apex - along[:, None] * axis) @ turn
        worst = np.maximum(np.where(on, across.max(axis=1), -across.min(axis=1)), np.finfo(X.dtype).tiny)
        eps = min(one, dtype(0.9) * (np.abs(along) / (np.sqrt(dtype(Q)) * worst)).min())
        weight = (mean + eps * (eye - mean)) @ turn
        layers.append(
            (weight @ start, -weight @ apex) if inverse is None else (weight @ inverse, weight @ (before - apex))
        )
        inverse, before = turn @ (mean + (eye - mean) / eps), apex
        z[on] = apex
        apexes.append(apex)
    slope = pen(np.stack(apexes, axis=1))
    return [*layers, (slope @ inverse, slope @ before)]


GENERIC = {
    "Theorem 3.1": generic_shallow,
    "affine variant": generic_affine,
    "clamp": generic_clamp,
    "deep, whitened": generic_deep,
}
PACKAGE = {
    "Theorem 3.1": shallow_construct,
    "Theorem 3.1, smallest shift": lambda X, y: shallow_construct(X, y, shift="smallest"),
    "affine variant": shallow_affine,
    "clamp": clamp_construct,
    "deep, simplex": deep_construct,
    "deep, raw, margin": lambda X, y: deep_construct(X, y, coords="centred", direction="margin", final="affine"),
    "sequential": sequential_construct,
}


# --- measurement -----------------------------------------------------------------------------------------------


def evaluate(layers, X, dtype):
    """Outputs in one precision, parameters rounded to it first."""
    hidden = X.astype(dtype)
    for k, (weight, bias) in enumerate(layers):
        hidden = hidden @ weight.astype(dtype).T + bias.astype(dtype)
        if k < len(layers) - 1:
            hidden = np.maximum(hidden, dtype(0))
    return hidden


def expected(name, X, labels):
    """Outputs in exact arithmetic, up to long double: a linear map of the means, or the targets."""
    exact = X.astype(np.longdouble)
    if name.startswith("Theorem 3.1"):
        return exact @ pen(means_of(exact, labels).T).T
    if name == "affine variant":
        means = means_of(exact, labels)
        centre = means.sum(axis=0) / np.longdouble(Q)
        targets = np.eye(Q, dtype=np.longdouble)[:-1] - np.longdouble(1) / Q
        return (exact - centre) @ pen((means - centre)[:-1].T).T @ targets + np.longdouble(1) / Q
    return np.eye(Q)[labels]


def study():
    """Median over data sets of the largest output error, by way, construction, precision and kappa."""
    collected = {}
    for kappa in KAPPA:
        for seed in range(DRAWS):
            X, labels = clusters(kappa, np.random.default_rng(seed))
            for name, make in GENERIC.items():
                for kind, dtype in TYPES.items():
                    outputs = evaluate(make(X.astype(dtype), labels), X, dtype)
                    error = np.abs(outputs - expected(name, X, labels)).max()
                    collected.setdefault(("built", name, kind, kappa), []).append(float(error))
            for name, make in PACKAGE.items():
                try:
                    network = make(X, labels).network
                except ConstructionError:
                    continue
                deep = DeepReLUNetwork.from_shallow(network) if isinstance(network, ReLUNetwork) else network
                for kind, dtype in TYPES.items():
                    error = np.abs(evaluate(deep.layers, X, dtype) - expected(name, X, labels)).max()
                    collected.setdefault(("stored", name, kind, kappa), []).append(float(error))
    return {key: float(np.median(values)) for key, values in collected.items()}


def rows(found):
    return list(dict.fromkeys(key[:2] for key in found))


def table(found):
    lines = ["| way | construction | precision | " + " | ".join(f"kappa {k:.0e}" for k in KAPPA) + " |"]
    lines.append("|" + "---|" * (len(KAPPA) + 3))
    for way, name in rows(found):
        for kind in TYPES:
            cells = [found.get((way, name, kind, k)) for k in KAPPA]
            shown = ["does not exist" if c is None else f"{c:.0e}" for c in cells]
            lines.append(f"| {way} | {name} | {kind} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def picture(found, path):
    fig, axes = plt.subplots(2, 3, figsize=(14, 7.5), sharex=True, sharey=True, layout="constrained")
    for row, way in zip(axes, ("built", "stored")):
        names = [name for w, name in rows(found) if w == way]
        for ax, kind in zip(row, TYPES):
            for k, name in enumerate(names):
                values = [max(found.get((way, name, kind, kappa), np.nan), 1e-20) for kappa in KAPPA]
                ax.loglog(KAPPA, values, "o-", ms=4, color=f"C{k}", label=name)
            ax.axhline(float(np.finfo(TYPES[kind]).eps), color="k", lw=0.8, ls=":")
            ax.set_title(f"{kind}, {'built and evaluated' if way == 'built' else 'built in float64, stored'}")
        row[0].set_ylabel("largest error of an output")
        row[-1].legend(fontsize=7, loc="upper left")
    for ax in axes[1]:
        ax.set_xlabel("condition number of the class means")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", ConditioningWarning)
    found = study()
    text = table(found)
    (folder / "precision.md").write_text(text, encoding="utf-8")
    picture(found, folder / "precision.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
