"""
Trained networks against bound (3.15)
=====================================

Section 4 of arXiv 2309.10370: Gaussian mixtures with orthonormal means, networks M - M - Q trained by full-batch
gradient descent with momentum from many starts, and the bound that can be computed without training.

    python constructive_mixtures.py FOLDER

Writes ``mixtures.md`` (mean, spread, median, minimum of the final cost, bounds) and ``mixtures.png``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from convexnn.constructive import gaussian_mixture, mixture_experiment

GRID = [  # features, samples per class, classes, number of starts
    (4, 10, (2, 3, 4), 100),
    (10, 100, (2, 6, 10), 10),
]
NOISE = (0.5, 0.2, 0.1, 0.05, 0.02)


def run():
    """One experiment per cell of the grid, keyed by (M, n, std, Q)."""
    found = {}
    for m, n, classes, n_runs in GRID:
        for std in NOISE:
            for q in classes:
                mixture = gaussian_mixture(m, q, n, std, random_state=12345)
                found[m, n, std, q] = mixture_experiment(mixture, n_runs=n_runs, random_state=1000)
    return found


def table(found):
    names = ["M", "n", "std", "Q", "bound (3.15)", "with true means", "affine", "initial", "final mean +- sd"]
    names += ["median", "min", "above bound"]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for (m, n, std, q), e in found.items():
        lines.append(
            f"| {m} | {n} | {std} | {q} | {e.bound:.3f} | {e.notebook_bound:.3f} | {e.affine:.3f} "
            f"| {e.initial.mean():.3f} | {e.final.mean():.3f} +- {e.final.std(ddof=1):.3f} | {np.median(e.final):.3f} "
            f"| {e.final.min():.3f} | {e.above_bound:.0%} |"
        )
    return "\n".join(lines) + "\n"


def picture(found, path):
    fig, axes = plt.subplots(2, len(NOISE), figsize=(15, 6.2), sharey="row", layout="constrained")
    for row, (m, n, classes, _) in zip(axes, GRID):
        for ax, std in zip(row, NOISE):
            cells = [found[m, n, std, q] for q in classes]
            ax.plot(classes, [e.initial.mean() for e in cells], ":", color="0.5", label="start, mean")
            ax.plot(classes, [e.final.mean() for e in cells], "o-", label="trained, mean")
            ax.plot(classes, [np.median(e.final) for e in cells], "x-", color="C1", label="trained, median")
            ax.plot(classes, [e.final.min() for e in cells], "v-", color="C4", label="trained, minimum")
            for q, e in zip(classes, cells):
                shown = "trained, single runs" if q == classes[0] else None
                ax.plot([q] * len(e.final), e.final, "_", color="C0", alpha=0.35, label=shown)
            ax.plot(classes, [e.bound for e in cells], "s--", color="C3", label="bound (3.15)")
            ax.plot(classes, [e.affine for e in cells], "^--", color="C2", label="affine least squares")
            ax.set(title=f"M={m}, n={n}, noise {std}", xticks=classes, xlabel="classes Q", yscale="log")
            ax.set_ylim(bottom=4e-3)
        row[0].set_ylabel("L2 cost")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=7, fontsize=9)
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    found = run()
    text = table(found)
    (folder / "mixtures.md").write_text(text, encoding="utf-8")
    picture(found, folder / "mixtures.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
