"""How long branch and bound takes to prove a searched network near optimal, by dimension, samples and tolerance.

    python tests/benchmarks/network_bounds.py [--real] > table.md

Processor time on one core; the network is trained by a search first, whose time is given for comparison.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from convexnn import beta_max, certify, train

TIME_LIMIT = 20.0
"""Seconds for the search."""


def teacher(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Five random neurons with noise."""
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((n, d)), rng.standard_normal((5, d))
    return X, np.maximum(X @ W.T, 0) @ rng.standard_normal(5) + 0.2 * rng.standard_normal(n)


def real() -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
    """Data sets of scikit-learn with few features, or reduced to few principal components."""
    from sklearn.datasets import load_diabetes, load_digits, load_iris
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    iris, diabetes, digits = load_iris(), load_diabetes(), load_digits()
    flowers = StandardScaler().fit_transform(iris.data)
    onehot = np.eye(3)[iris.target]
    patients = StandardScaler().fit_transform(diabetes.data)
    response = (diabetes.target - diabetes.target.mean()) / diabetes.target.std()
    images = PCA(5, random_state=0).fit_transform(digits.data / 16.0)
    low = np.where(digits.target < 5, 1.0, -1.0)
    return {
        "iris, three outputs": (flowers, onehot, "squared_error"),
        "diabetes, 5 components": (PCA(5).fit_transform(patients), response, "squared_error"),
        "digits 0-4 or 5-9, 5 components": (images, low, "log_loss"),
    }


def row(name: str, X: np.ndarray, y: np.ndarray, share: float, *, bias: bool, loss: str = "squared_error") -> str:
    """One line of the table."""
    beta = share * beta_max(X, y, bias=bias, loss=loss, max_atoms=1)
    start = time.process_time()
    result = train(X, y, beta=beta, bias=bias, loss=loss, max_atoms=1, time_limit=TIME_LIMIT)
    cells = [name, str(len(X)), f"{share:g}", str(result.network.n_neurons), f"{time.process_time() - start:.2f}"]
    for tol in (1e-2, 1e-3):
        start = time.process_time()
        proof = certify(result.network, X, y, beta=beta, bias=bias, loss=loss, scope="network", tol=tol)
        gap = f"{proof.relative_gap:.1e}" if proof.scope == "network" else "none"
        cells.append(f"{time.process_time() - start:.2f} ({gap})")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", action="store_true", help="data sets of scikit-learn instead of teachers")
    chosen = parser.parse_args()
    print("| data | samples | beta / beta_max | neurons | search, s | tol 1e-2: s (gap) | tol 1e-3: s (gap) |")
    print("|---|---|---|---|---|---|---|")
    if chosen.real:
        for name, (X, y, loss) in real().items():
            for share in (1e-1, 1e-2):
                print(row(name, X, y, share, bias=True, loss=loss), flush=True)
        return
    for bias in (True, False):
        # Without biases three dimensions have an exact method.
        for d in (3, 4, 5) if bias else (4, 5, 6):
            for n in (100, 500):
                for share in (1e-1, 1e-2):
                    name = f"{d} features{', biases' if bias else ''}"
                    print(row(name, *teacher(n, d), share, bias=bias), flush=True)


if __name__ == "__main__":
    main()
