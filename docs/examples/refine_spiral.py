"""
Polishing a network on a spiral (Figure 6 of arXiv 2309.16512)
==============================================================

A two-layer network is trained by SGD with weight decay on two spiral arms, then polished: neurons move onto the
samples next to them and the last layer is solved for. The certified optimum of the same objective, over networks of
any width, says how much was left.

    python refine_spiral.py FOLDER

Needs torch for the SGD. Writes ``spiral.png`` and ``spiral.md``.
"""

import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

from convexnn import certify, explain, from_module, polish, train
from convexnn.data import make_spiral
from convexnn.refine import balanced, compare_scales, deep_objective

N, WIDTH, EPOCHS, BETA = 100, 100, 1000, 0.05
RATES = (0.03, 0.01, 0.1)
SEEDS = range(5)


def sgd(X, y, rate, seed):
    """Minibatch SGD with momentum on sum loss + beta/2 |weights|^2; biases are free. Objective of every epoch."""
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(2, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, 1))
    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    # The mean over n samples of the loss goes with beta / n.
    groups = [{"params": weights, "weight_decay": BETA / len(X)}, {"params": biases}]
    optimiser = torch.optim.SGD(groups, lr=rate, momentum=0.9)
    points, target = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    curve = []
    for _ in range(EPOCHS):
        for part in torch.randperm(len(X)).split(10):
            optimiser.zero_grad()
            (0.5 * (net(points[part])[:, 0] - target[part]) ** 2).mean().backward()
            optimiser.step()
        curve.append(deep_objective(from_module(net), X, y, beta=BETA))
    return net, np.array(curve)


def regions(ax, network, X, y, title):
    """Sign of the output on a grid, and the samples."""
    grid = np.linspace(-1.15, 1.15, 300)
    mesh = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    values = np.sign(network.predict(mesh)).reshape(300, 300)
    ax.contourf(grid, grid, values, levels=[-2, 0, 2], colors=["#9ecae1", "#fdae6b"])
    ax.scatter(*X.T, c=np.where(y > 0, "#d94801", "#08519c"), s=14, edgecolors="white", linewidths=0.4)
    ax.set(title=title, aspect="equal", xticks=[], yticks=[])


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    X, y = make_spiral(N, random_state=0)
    X_val, y_val = make_spiral(1000, random_state=1)
    start = time.perf_counter()
    best = train(X, y, beta=BETA)
    seconds = time.perf_counter() - start
    proof = best.certificate
    lines = [
        f"Spiral, n = {N}, squared loss, beta = {BETA}, SGD (momentum 0.9, batch 10, {EPOCHS} epochs, width {WIDTH}).",
        f"Certified optimum over all networks: {proof.primal:.6f} (bound {proof.dual:.6f}, scope {proof.scope}, "
        f"{best.network.n_neurons} neurons, {seconds:.2f} s).",
        "",
        "| rate | seed | SGD | last layer | polished, nearest | polished, Lasso | seconds | neurons moved |",
        "|---|---|---|---|---|---|---|---|",
    ]
    shown = None
    for rate in RATES:
        for seed in SEEDS:
            net, curve = sgd(X, y, rate, seed)
            start = time.perf_counter()
            near = polish(net, X, y, beta=BETA, X_val=X_val, y_val=y_val)
            spent = time.perf_counter() - start
            lasso = polish(net, X, y, beta=BETA, choose="lasso")
            for result in (near, lasso):
                assert proof.dual <= result.objective < result.objective_given
                certify(result.network.to_shallow(), X, y, beta=BETA)
            lines.append(
                f"| {rate:g} | {seed} | {near.objective_given:.4f} | {near.objective_reoptimised:.4f} "
                f"| {near.objective:.4f} | {lasso.objective:.4f} | {spent:.2f} | {near.n_replaced} |"
            )
            print(lines[-1], flush=True)
            if shown is None:
                shown = (net, curve, near)
    net, curve, near = shown
    given = from_module(net)
    lines += ["", "First run:", "", near.summary().replace("\n", "  \n"), "", explain(given, X).summary()]
    lines += ["", compare_scales(balanced(given), near.network, X), near.table(8)]
    (folder / "spiral.md").write_text("\n".join(lines), encoding="utf-8")
    fig, axes = plt.subplots(1, 4, figsize=(17, 4.2), layout="constrained")
    axes[0].plot(np.arange(1, EPOCHS + 1), curve, label="SGD")
    axes[0].axhline(near.objective_reoptimised, color="tab:green", ls=":", label="last layer re-optimised")
    axes[0].axhline(near.objective, color="tab:orange", ls="--", label="polished")
    axes[0].axhline(proof.dual, color="black", lw=1, label="certified bound, any width")
    axes[0].set(xlabel="epoch", ylabel="objective", yscale="log", xscale="log")
    axes[0].legend(fontsize=8)
    regions(axes[1], given, X, y, f"SGD: {curve[-1]:.3f}")
    regions(axes[2], near.network, X, y, f"polished: {near.objective:.3f}")
    regions(axes[3], best.network, X, y, f"certified optimum: {proof.primal:.3f}")
    fig.savefig(folder / "spiral.png", dpi=110)
    plt.close(fig)
    print("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "refine"))
