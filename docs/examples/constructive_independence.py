"""
When are class means independent, and how tight is the bound?
=============================================================

Theorem 3.1 of arXiv 2309.10370 needs linearly independent class means; its affine variant needs affinely independent
ones. With continuous noise independence has probability one, so the question is how *well* independent the means are.

    python constructive_independence.py FOLDER

Writes ``independence.md`` and ``independence.png``: the share of data sets whose means pass (smallest singular value
above 1e-2 of the largest), for four kinds of data, and the tightness of (3.15) against noise.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from convexnn.constructive import best_truncation, gaussian_mixture, linear_regime
from convexnn.exceptions import ConstructionError

NOISE = (0.01, 0.03, 0.1, 0.3, 1.0)
REPEATS = 60
MIXTURES = 20
THRESHOLD = 1e-2


def data(kind, std, rng, q=5, m=8, n=6):
    """Labelled samples of one kind; balanced classes."""
    labels = np.repeat(np.arange(q), n)
    centres = rng.standard_normal((q, m))
    if kind == "dependent means":
        centres[-1] = centres[:-1].mean(axis=0)
    if kind == "few binary features":
        centres = (rng.random((q, m)) < 0.5).astype(float)
    X = centres[labels] + std * rng.standard_normal((q * n, m))
    if kind == "few binary features":
        X = (X > 0.5).astype(float)
    return (X - X.mean(axis=0) if kind == "centred" else X), labels


def quality(X, labels, affine):
    """Smallest over largest singular value of the class means, or of the means about their barycentre."""
    means = np.array([X[labels == j].mean(axis=0) for j in range(labels.max() + 1)])
    if affine:
        s = np.linalg.svd(means - means.mean(axis=0), compute_uv=False)
        return s[len(means) - 2] / s[0]
    s = np.linalg.svd(means, compute_uv=False)
    return s[-1] / s[0]


def independence():
    """Shares (linear, affine) per kind and noise."""
    found = {}
    for kind in ("Gaussian means", "dependent means", "few binary features", "centred"):
        for std in NOISE:
            rng = np.random.default_rng(7)
            sets = [data(kind, std, rng) for _ in range(REPEATS)]
            shares = [np.mean([quality(X, y, affine) > THRESHOLD for X, y in sets]) for affine in (False, True)]
            found[kind, std] = shares
    return found


def tightness():
    """Medians over data sets of the ratios to (3.15)."""
    found = {}
    for std in NOISE:
        rows = []
        for seed in range(MIXTURES):
            mixture = gaussian_mixture(8, 4, 10, std, random_state=seed)
            try:
                chain = linear_regime(mixture.X, mixture.labels)
            except ConstructionError:
                continue
            search = best_truncation(mixture.X, mixture.labels, weighting="samples", n_random=3)
            values = (chain.operator_bound, chain.linear_projected, chain.affine_projected, chain.affine, search.cost)
            rows.append([v / chain.mean_map for v in values])
        found[std] = np.median(rows, axis=0)
    return found


NAMES = ("||Y|| delta_P", "(3.25), no intercept", "affine on the span", "affine", "best truncation found")


def table(shares, ratios):
    lines = ["| data | noise | means independent | affinely independent |", "|---|---|---|---|"]
    lines += [f"| {kind} | {std} | {a:.0%} | {b:.0%} |" for (kind, std), (a, b) in shares.items()]
    head = " | ".join(name.replace("|", chr(92) + "|") for name in NAMES)
    lines += ["", "Medians of the value divided by (3.15):", "", f"| noise | {head} |", "|" + "---|" * 6]
    lines += [f"| {std} | " + " | ".join(f"{v:.3f}" for v in row) + " |" for std, row in ratios.items()]
    return "\n".join(lines) + "\n"


def picture(shares, ratios, path):
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    kinds = list(dict.fromkeys(kind for kind, _ in shares))
    for k, kind in enumerate(kinds):
        for affine, style in ((0, "-"), (1, ":")):
            label = kind if not affine else None
            left.semilogx(
                NOISE, [shares[kind, s][affine] for s in NOISE], style, marker="o", color=f"C{k}", label=label
            )
    left.set(xlabel="noise", ylabel="share of data sets", title="means independent (solid), affinely (dotted)")
    left.legend(fontsize=8)
    for k, name in enumerate(NAMES):
        right.loglog(NOISE, [ratios[s][k] for s in NOISE], "o-", label=name)
    right.axhline(1.0, color="k", lw=0.8)
    right.set(xlabel="noise", ylabel="ratio to (3.15)", title="tightness of the bound, M=8, Q=4")
    right.legend(fontsize=8)
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    shares, ratios = independence(), tightness()
    text = table(shares, ratios)
    (folder / "independence.md").write_text(text, encoding="utf-8")
    picture(shares, ratios, folder / "independence.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
