"""
Which constructed points does gradient descent leave?
=====================================================

Plain full-batch gradient descent of the L2 cost, started at the points of the papers, at the corrected ones, and at
random. The paper's point of Theorem 3.2 and the partly collapsed deep configurations are left at once; the affine
least-squares point and the fully collapsed network are not.

    python constructive_descent.py FOLDER

Writes ``descent.md`` and ``descent.png``.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from convexnn.constructive import (
    best_truncation,
    clamp_construct,
    configurations,
    cost_gradient,
    gaussian_mixture,
    gradient_descent,
    linear_optimum,
    shallow_construct,
)
from convexnn.network import DeepReLUNetwork

Q, STEPS, RATE = 3, 20_000, 0.01


def random_network(rng):
    size = 1 / np.sqrt(Q)
    return DeepReLUNetwork([(rng.uniform(-size, size, (Q, Q)), rng.uniform(-size, size, Q)) for _ in range(2)])


def starts(X, labels):
    """Name and network of every start."""
    best = linear_optimum(X, labels, weighting="samples")
    yield "Theorem 3.1", shallow_construct(X, labels, shift="smallest").network
    yield "Theorem 3.2, tied bias (paper)", best.paper_network("smallest")
    yield "affine optimum (corrected)", best.affine_network("smallest")
    yield "best truncation found", best_truncation(X, labels, weighting="samples").network
    yield "clamp, 2(Q-1) neurons", clamp_construct(X, labels).network
    for c in configurations(X, labels):
        where = "{" + ", ".join(map(str, c.collapsed)) + "}"
        if len(c.collapsed) in (0, Q):
            yield f"deep, collapsed {where}, free bias", c.network
        elif c.collapsed[0] == 0:
            yield f"deep, partly collapsed {where}", c.network
    for seed in range(6):
        yield f"random {seed}", random_network(np.random.default_rng(seed))


def study():
    mixture = gaussian_mixture(Q, Q, 20, 0.15, random_state=0)
    X, labels = mixture.X, mixture.labels
    found = {}
    for name, network in starts(X, labels):
        gradient = cost_gradient(network, X, labels).norm
        # Layers of large weights need a small step; the rate is divided by the steepness of the cost there.
        rate = RATE / max(1.0, steepness(network, X))
        found[name] = (gradient, gradient_descent(network, X, labels, rate=rate, n_steps=STEPS).costs)
    return found


def steepness(network, X):
    """Rough size of the curvature: squared product of the layers' norms times that of their inputs."""
    layers = (network if isinstance(network, DeepReLUNetwork) else DeepReLUNetwork.from_shallow(network)).layers
    reach, largest = 1.0, np.abs(X).max()
    for weight, bias in layers:
        reach *= max(1.0, np.linalg.norm(weight, 2))
        largest = max(largest, np.abs(bias).max())
    return 0.05 * reach**2 * largest**2


def table(found):
    lines = [
        "| start | gradient there | cost there | after 100 steps | at the end | left? |",
        "|---|---|---|---|---|---|",
    ]
    for name, (gradient, costs) in found.items():
        left = "yes" if costs[-1] < costs[0] - 1e-6 else "no"
        lines.append(f"| {name} | {gradient:.1e} | {costs[0]:.5f} | {costs[100]:.5f} | {costs[-1]:.5f} | {left} |")
    return "\n".join(lines) + f"\n\n{STEPS} steps of plain gradient descent.\n"


def picture(found, path):
    fig, axes = plt.subplots(1, 3, figsize=(14, 4.4), sharey=True, layout="constrained")
    groups = {
        "shallow": [n for n in found if not n.startswith(("deep", "random"))],
        "deep configurations": [n for n in found if n.startswith("deep")],
        "random starts": [n for n in found if n.startswith("random")],
    }
    for ax, (title, names) in zip(axes, groups.items()):
        for name in names:
            left = found[name][1][-1] < found[name][1][0] - 1e-6
            ax.semilogx(np.arange(STEPS + 1) + 1, found[name][1], "-" if left else "--", label=name)
        ax.set(title=title, xlabel="step", ylim=(-0.02, 0.62))
        ax.legend(fontsize=7, loc="upper right")
    axes[0].set_ylabel("L2 cost (dashed: not left)")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    found = study()
    text = table(found)
    (folder / "descent.md").write_text(text, encoding="utf-8")
    picture(found, folder / "descent.png")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "constructive-studies"))
