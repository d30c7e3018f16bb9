"""
Constructed networks and the convex optimum check each other
============================================================

For each penalty beta: the certified convex optimum, the constructive networks above it, the gated relaxation below it,
and local searches that start from the constructive networks. Large beta favours the linear networks as warm starts,
small beta the clamp network.

    python constructive_crossval.py FOLDER

Writes ``crossval.md`` and ``crossval.png``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from convexnn.constructive import cross_validate, gaussian_mixture

BETAS = np.logspace(-3.5, 0.75, 12)


def study():
    mixture = gaussian_mixture(2, 2, 8, 0.25, random_state=3)
    X, labels = mixture.X, mixture.labels
    return {
        "l1": cross_validate(X, labels, betas=BETAS, norm="l1"),
        "l2": cross_validate(X, labels, betas=BETAS, norm="l2"),
        "l2, one output": cross_validate(X, labels, betas=BETAS, norm="l2", output=0, tol=1e-7),
    }


def table(found):
    parts = []
    for norm, result in found.items():
        broken = result.violations()
        parts += [f"## {norm}, scope {result.rows[0].scope}", "", result.table(), ""]
        parts += ["No ordering violated." if not broken else "VIOLATED: " + "; ".join(broken), ""]
        parts += [f"- {name}: {value:.4g}" for name, value in result.least_squares.items()]
        parts.append("")
    return "\n".join(parts)


def picture(found, path):
    fig, axes = plt.subplots(1, 3, figsize=(17, 4.8), sharey=True, layout="constrained")
    for ax, (norm, result) in zip(axes, found.items()):
        beta = [row.beta for row in result.rows]
        for k, name in enumerate(result.rows[0].upper):
            ax.loglog(beta, [row.upper[name] for row in result.rows], "--", color=f"C{k}", label=name)
            if result.rows[0].local:
                ax.loglog(beta, [row.local[f"from {name}"] for row in result.rows], ":", color=f"C{k}")
        ax.loglog(beta, [row.primal for row in result.rows], "k-o", ms=4, label="convex optimum")
        ax.loglog(beta, [row.lower for row in result.rows], "-", color="0.6", label="gated lower bound")
        scope = {"network": "all networks", "dictionary": "the dictionary"}[result.rows[0].scope]
        ax.set(title=f"{norm}: optimum over {scope}", xlabel="beta")
        ax.legend(fontsize=8)
    axes[0].set_ylabel("objective (dotted: after a local search)")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    found = study()
    text = table(found)
    (folder / "crossval.md").write_text(text, encoding="utf-8")
    picture(found, folder / "crossval.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
