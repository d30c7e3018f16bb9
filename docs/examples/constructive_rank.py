"""
Does a truncation preserve the rank of the class means?
=======================================================

Theorem 3.5 of arXiv 2309.10370 is about truncation maps that keep the class means independent. How often does a
random cone layer do so, against the size delta of the deviations? And what changes when the origin is moved, which
changes no cost: the paper's condition does, affine independence does not.

    python constructive_rank.py FOLDER

Writes ``rank.md`` and ``rank.png``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from convexnn.constructive import class_data, gaussian_mixture, rank_report, truncation_optimum
from convexnn.constructive.cones import cone_layer

NOISE = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
DRAWS = 300
APERTURE = 0.05
Q = 5


def layers(X, rng):
    """Cones of random axis and small aperture with their apex among the samples: classes behind it collapse."""
    for _ in range(DRAWS):
        cone = cone_layer(rng.standard_normal(Q), X[rng.integers(len(X))], APERTURE)
        yield cone.weight, cone.bias


def study():
    """Per noise: delta, share of preserving layers (paper, affine), share lost by a shift, median cost ratio."""
    rows = []
    for std in NOISE:
        mixture = gaussian_mixture(Q, Q, 20, std, random_state=0)
        X, labels = mixture.X, mixture.labels
        paper, affine, lost, ratios = [], [], [], []
        for weight, bias in layers(X, np.random.default_rng(1)):
            report = rank_report(X, labels, weight, bias)
            paper.append(report.rank_preserving)
            affine.append(report.affinely_preserving)
            if report.affinely_preserving and report.rank_preserving:
                best = truncation_optimum(X, labels, weight, bias)
                ratios.append(best.value / best.paper_value)
                # Put the origin into the affine hull of the truncated means: same function class, same costs.
                hidden = np.maximum(X @ weight.T + bias, 0.0)
                truncated = np.linalg.solve(weight, (hidden - bias).T).T
                means = class_data(truncated, labels).means
                origin = np.full(Q, 1.0 / Q) @ means
                moved = rank_report(X - origin, labels, weight, bias + weight @ origin)
                lost.append(report.rank_preserving and not moved.rank_preserving)
        rows.append(
            (std, class_data(X, labels).delta, np.mean(paper), np.mean(affine), np.mean(lost), np.median(ratios))
        )
    return rows


def table(rows):
    lines = ["| noise | delta | rank preserving | affinely | lost by moving the origin | cost, free / tied bias |"]
    lines.append("|" + "---|" * 6)
    lines += [f"| {s} | {d:.3f} | {p:.0%} | {a:.0%} | {lost:.0%} | {r:.3f} |" for s, d, p, a, lost, r in rows]
    return "\n".join(lines) + "\n"


def picture(rows, path):
    _, delta, paper, affine, lost, ratio = (np.array(column) for column in zip(*rows))
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.semilogx(delta, paper, "o-", label="rank of the means kept (paper)")
    left.semilogx(delta, affine, "s--", label="affine independence kept")
    left.semilogx(delta, lost, "^:", label="of the kept: lost by moving the origin")
    left.set(xlabel="delta", ylabel="share of random layers", ylim=(-0.05, 1.05), title="what a random layer keeps")
    left.legend(fontsize=8)
    right.semilogx(delta, ratio, "o-")
    right.set(
        xlabel="delta", ylabel="median cost ratio", title="optimal last layer: free bias / tied bias (Theorem 3.5)"
    )
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = study()
    text = table(rows)
    (folder / "rank.md").write_text(text, encoding="utf-8")
    picture(rows, folder / "rank.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
