"""
How many digits do constructed networks keep?
=============================================

Every construction is written down in double precision, stored in float32, float64 or long double, and evaluated in
that precision. The error of the outputs on the training set is shown against the conditioning of the data: class means
whose smallest singular value is 1/kappa of the largest. Long double keeps the double parameters, so it isolates the
rounding of the construction itself from that of the evaluation.

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
TYPES = {"float32": np.float32, "float64": np.float64, "long double": np.longdouble}
MAKERS = {
    "Theorem 3.1": shallow_construct,
    "Theorem 3.1, smallest shift": lambda X, y: shallow_construct(X, y, shift="smallest"),
    "affine variant": shallow_affine,
    "clamp": clamp_construct,
    "deep, simplex": deep_construct,
    "deep, raw, margin": lambda X, y: deep_construct(X, y, coords="centred", direction="margin", final="affine"),
    "sequential": sequential_construct,
}


def clusters(kappa, rng):
    """Means with singular values from 1 down to 1/kappa, noise small against the nearest pair of means."""
    left = np.linalg.qr(rng.standard_normal((Q, Q)))[0]
    right = np.linalg.qr(rng.standard_normal((M, Q)))[0]
    means = left @ np.diag(np.logspace(0, -np.log10(kappa), Q)) @ right.T
    labels = np.repeat(np.arange(Q), N)
    coordinates = 0.05 * rng.standard_normal((len(labels), Q))
    # Noise in mean coordinates: delta_P stays the same whatever the conditioning.
    return means[labels] + coordinates @ means, labels


def evaluate(network, X, dtype):
    """Outputs in one precision, parameters rounded to it first."""
    deep = DeepReLUNetwork.from_shallow(network) if isinstance(network, ReLUNetwork) else network
    hidden = X.astype(dtype)
    for k, (weight, bias) in enumerate(deep.layers):
        hidden = hidden @ weight.astype(dtype).T + bias.astype(dtype)
        if k < deep.n_layers - 1:
            hidden = np.maximum(hidden, dtype(0))
    return hidden


def expected(built, X, labels):
    """What exact arithmetic gives: targets where the cost is zero, the linear map of the means otherwise."""
    if not hasattr(built, "exact_cost"):
        return np.eye(Q)[labels]
    means, affine = built.data.means, built.network.n_neurons == Q - 1
    centre = means.mean(axis=0) if affine else np.zeros(M)
    return (X - centre) @ np.linalg.pinv(means - centre, rcond=1e-14) + (1.0 / Q if affine else 0.0)


def study(repeats=5):
    """Median over data sets of the largest output error, per construction, precision and kappa."""
    found = {}
    for kappa in KAPPA:
        for name, make in MAKERS.items():
            errors = {kind: [] for kind in TYPES}
            for seed in range(repeats):
                X, labels = clusters(kappa, np.random.default_rng(seed))
                try:
                    built = make(X, labels)
                except ConstructionError:
                    continue
                reference = expected(built, X, labels)
                for kind, dtype in TYPES.items():
                    errors[kind].append(float(np.abs(evaluate(built.network, X, dtype) - reference).max()))
            for kind, values in errors.items():
                found[name, kind, kappa] = np.median(values) if values else np.nan
    return found


def table(found):
    lines = ["| construction | precision | " + " | ".join(f"kappa {k:.0e}" for k in KAPPA) + " |"]
    lines.append("|" + "---|" * (len(KAPPA) + 2))
    for name in MAKERS:
        for kind in TYPES:
            cells = [found[name, kind, k] for k in KAPPA]
            shown = ["does not exist" if np.isnan(c) else f"{c:.0e}" for c in cells]
            lines.append(f"| {name} | {kind} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def picture(found, path):
    fig, axes = plt.subplots(1, 3, figsize=(14, 4.3), sharey=True, layout="constrained")
    for ax, kind in zip(axes, TYPES):
        for k, name in enumerate(MAKERS):
            values = [max(found[name, kind, kappa], 1e-17) for kappa in KAPPA]
            ax.loglog(KAPPA, values, "o-", ms=4, color=f"C{k}", label=name)
        ax.axhline(np.finfo(TYPES[kind]).eps, color="k", lw=0.8, ls=":")
        ax.set(title=kind, xlabel="condition number of the class means")
    axes[0].set_ylabel("largest error of an output")
    axes[0].legend(fontsize=7, loc="lower right")
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
