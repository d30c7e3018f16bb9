"""
How a deep network collapses classes, layer by layer
====================================================

Three classes in the plane. Each layer of the deep construction truncates the plane to a cone (shaded) with its apex
(cross) between one class and the others: the class falls on the apex, everything else stays. After three layers an
affine map sends the three apexes to the targets. Last panel: the decision regions this makes.

    python constructive_geometry.py FOLDER

Writes ``geometry.md`` (gap, cut and aperture of each layer) and ``geometry.png``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from convexnn.constructive import deep_construct, truncate

CENTRES = np.array([[0.0, 0.0], [3.0, 0.4], [1.2, 2.6]])
COLOURS = np.array(["C0", "C1", "C2"])


def data():
    labels = np.repeat(np.arange(3), 40)
    return CENTRES[labels] + 0.3 * np.random.default_rng(0).standard_normal((120, 2)), labels


def shade(ax, cone, size=20.0):
    """The identity region: apex plus nonnegative combinations of the edges."""
    edges = cone.inverse / np.linalg.norm(cone.inverse, axis=0)
    corners = np.array([cone.apex, cone.apex + size * edges[:, 0], cone.apex + size * edges[:, 1]])
    ax.fill(*corners.T, color="0.9", zorder=0)
    ax.plot(*cone.apex, "kx", ms=9, mew=2)


def picture(built, X, labels, path):
    fig, axes = plt.subplots(1, 4, figsize=(16, 4.2), layout="constrained")
    points = X
    for ax, layer in zip(axes, built.layers):
        shade(ax, layer.cone)
        ax.scatter(*points.T, c=COLOURS[labels], s=14, alpha=0.35)
        points = truncate(points, layer.cone.weight, layer.cone.bias)
        ax.scatter(*points.T, c=COLOURS[labels], s=14, edgecolors="k", linewidths=0.4)
        ax.set_title(f"layer for class {layer.label}, aperture {layer.aperture:.2f}")
    grid = np.stack(np.meshgrid(np.linspace(-2, 5, 300), np.linspace(-2, 4.5, 300)), axis=-1).reshape(-1, 2)
    nearest = built.distances(grid).argmin(axis=1).reshape(300, 300)
    colours = matplotlib.colors.ListedColormap(list(COLOURS))
    axes[3].imshow(nearest, extent=(-2, 5, -2, 4.5), origin="lower", cmap=colours, alpha=0.3, aspect="auto")
    axes[3].scatter(*X.T, c=COLOURS[labels], s=14)
    axes[3].plot(*built.apexes.T, "kx", ms=9, mew=2)
    axes[3].set_title(f"nearest apex, cost {built.cost:.0e}")
    for ax in axes:
        ax.set(xlim=(-2, 5), ylim=(-2, 4.5))
    fig.savefig(path, dpi=110)
    plt.close(fig)


def table(built):
    lines = ["| layer | class | class reaches | others begin | cut | aperture |", "|" + "---|" * 6]
    for k, layer in enumerate(built.layers, 1):
        lines.append(
            f"| {k} | {layer.label} | {layer.hi:.3f} | {layer.lo:.3f} | {layer.threshold:.3f} | {layer.aperture:.3f} |"
        )
    return "\n".join(lines) + f"\n\nCost {built.cost:.1e}, largest condition number {built.condition:.1f}.\n"


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    X, labels = data()
    built = deep_construct(X, labels, coords="raw")
    text = table(built)
    (folder / "geometry.md").write_text(text, encoding="utf-8")
    picture(built, X, labels, folder / "geometry.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
