"""
Constructed against trained: accuracy on fresh samples
======================================================

Gaussian classes in 10 dimensions, 20 training samples each, against noise: networks that are written down, and networks
of comparable size that are trained by gradient descent or Adam.

    python constructive_heldout.py FOLDER

Writes ``heldout.md`` and ``heldout.png``.
"""

import sys
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from convexnn import ConstructiveClassifier
from convexnn.constructive import gradient_descent
from convexnn.exceptions import ConditioningWarning, ConstructionError
from convexnn.network import DeepReLUNetwork

NOISE = (0.05, 0.1, 0.2, 0.3, 0.5)
DRAWS = 5
Q, M, TRAIN, TEST = 5, 10, 20, 200


class Descent:
    """A network M - M - Q of the paper's experiments: full batch, momentum 0.9, rate 0.05, 1000 steps."""

    def fit(self, X, y):
        rng = np.random.default_rng(0)
        size = 1 / np.sqrt(M)
        start = [(rng.uniform(-size, size, (k, M)), rng.uniform(-size, size, k)) for k in (M, Q)]
        self.network = gradient_descent(DeepReLUNetwork(start), X, y, rate=0.05, momentum=0.9, n_steps=1000).network
        return self

    def score(self, X, y):
        return float((self.network.predict(X).argmax(axis=1) == y).mean())


KINDS = ("shallow", "affine", "truncation", "deep", "clamp", "sequential")
MODELS = {kind: (lambda kind=kind: ConstructiveClassifier(kind, random_state=0)) for kind in KINDS}
MODELS["gradient descent, width M"] = Descent
MODELS["MLPClassifier(100), Adam"] = lambda: MLPClassifier(max_iter=300, random_state=0)
MODELS["LDA"] = LinearDiscriminantAnalysis


def draw(std, seed):
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.standard_normal((M, Q)))[0].T

    def sample(n):
        labels = np.repeat(np.arange(Q), n)
        return centres[labels] + std * rng.standard_normal((len(labels), M)), labels

    return sample(TRAIN), sample(TEST)


def study():
    """Mean held-out accuracy (NaN where a construction does not exist for all draws)."""
    found = {}
    for std in NOISE:
        for name, make in MODELS.items():
            scores = []
            for seed in range(DRAWS):
                (X, y), (fresh, truth) = draw(std, seed)
                try:
                    scores.append(make().fit(X, y).score(fresh, truth))
                except ConstructionError:
                    continue
            found[name, std] = (np.mean(scores) if scores else np.nan, len(scores) / DRAWS)
    return found


def table(found):
    lines = ["| model | " + " | ".join(f"noise {s}" for s in NOISE) + " |", "|" + "---|" * (len(NOISE) + 1)]
    for name in MODELS:
        cells = []
        for std in NOISE:
            score, share = found[name, std]
            cells.append("does not exist" if share == 0 else f"{score:.3f}" + ("" if share == 1 else f" ({share:.0%})"))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\nIn brackets: share of the draws for which the construction exists.\n"


def picture(found, path):
    fig, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
    for k, name in enumerate(MODELS):
        style = "o-" if name in KINDS else "s--"
        ax.semilogx(NOISE, [found[name, s][0] for s in NOISE], style, color=f"C{k}", ms=5, label=name)
    ax.set(xlabel="noise", ylabel="accuracy on fresh samples", title=f"{Q} classes, {M} features, {TRAIN} samples each")
    ax.legend(fontsize=8)
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", ConditioningWarning)
    found = study()
    text = table(found)
    (folder / "heldout.md").write_text(text, encoding="utf-8")
    picture(found, folder / "heldout.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
