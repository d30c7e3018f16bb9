"""
Polishing networks that were trained by SGD on images (Figure 7 of arXiv 2309.16512)
====================================================================================

Automobile against ship of CIFAR-10: a three-layer network, first layer 128, is trained by plain SGD for 10 epochs
with batches of 32. Then the neurons of the first layer are replaced by wedges of the nearest samples and the last
layer is solved for. Is the accuracy better after than before, and how much of that is the last layer alone?

    python refine_cifar.py FOLDER [--data FILE.npz] [--pool 2] [--widths 16,64,256] [--rates 0.1,0.03,0.01]

Without ``--data`` the images are downloaded once by ``convexnn.data.load_cifar10``. Needs torch (``pip install
torch``, CPU is enough). Every run is appended to ``cifar.jsonl``, and runs that are there already are not repeated;
``cifar.md`` and ``cifar.png`` summarise what the file holds.
"""

import argparse
import json
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

from convexnn.geometry.frame import make_frame
from convexnn.refine import WedgeFinder, polish

STEPS = ("SGD", "last layer", "polished, all", "polished, monotone", "faces, monotone")
EPOCHS, BATCH, HIDDEN, DECAY = 10, 32, 128, 1e-4
# Samples per neuron of the variant that moves neurons onto faces instead of corners.
FEW = 16


def images(path, pool):
    """Standardised rows and labels -1 (automobile), +1 (ship); 2000 test images for validation."""
    if path is None:
        from convexnn.data import load_cifar10

        X, y, X_test, y_test = load_cifar10(classes=("automobile", "ship"))
    else:
        file = np.load(path)
        X, y, X_test, y_test = (file[key] for key in ("X_train", "y_train", "X_test", "y_test"))
    rows = []
    for part in (X, X_test):
        n, side = len(part), 32 // pool
        small = part.reshape(n, side, pool, side, pool, 3).mean(axis=(2, 4))
        rows.append(small.reshape(n, -1) / 255.0)
    mean, std = rows[0].mean(axis=0), rows[0].std()
    return *((r - mean) / std for r in rows), *(2.0 * labels.ravel() - 1.0 for labels in (y, y_test))


def sgd(X, y, width, rate, seed):
    """Plain SGD on the mean logistic loss with weight decay."""
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, width), torch.nn.ReLU(),
        torch.nn.Linear(width, 1),
    )  # fmt: skip
    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    optimiser = torch.optim.SGD([{"params": weights, "weight_decay": DECAY}, {"params": biases}], lr=rate)
    points, labels = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(X)).split(BATCH):
            optimiser.zero_grad()
            torch.nn.functional.softplus(-labels[part] * net(points[part])[:, 0]).mean().backward()
            optimiser.step()
    return net


def run(data, finder, width, rate, seed):
    """Train and validation accuracy after each step, objectives, seconds of processor time."""
    X, X_val, y, y_val = data
    start = time.process_time()
    net = sgd(X, y, width, rate, seed)
    trained = time.process_time() - start
    common = {"beta": DECAY * len(X), "layers": [0], "loss": "log_loss", "X_val": X_val, "y_val": y_val}
    start = time.process_time()
    moved = polish(net, X, y, monotone=False, geometry=finder, **common)
    polished = time.process_time() - start
    # The wedges are those of the call before.
    kept = polish(net, X, y, monotone=True, geometry=finder, **common)
    faces = polish(net, X, y, monotone=True, geometry=finder, n_samples=FEW, **common)
    results = (moved, kept, faces)
    train = [*moved.train_scores[:2], *(result.train_scores[2] for result in results)]
    val = [*moved.val_scores[:2], *(result.val_scores[2] for result in results)]
    values = [moved.objective_given, moved.objective_reoptimised, *(result.objective for result in results)]
    angle = float(np.median([neuron.angle for neuron in moved.neurons]))
    return {
        "width": width, "rate": rate, "seed": seed, "train": train, "val": val, "objective": values,
        "replaced": kept.n_replaced, "faces": faces.n_replaced, "angle": angle,
        "sgd_seconds": trained, "polish_seconds": polished,
    }  # fmt: skip


def spread(values):
    values = np.array(values)
    return f"{values.mean():.4f} ± {values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0:.4f}"


def table(runs):
    head = ["width", "rate", "what", *STEPS, "wedges / faces kept of 128", "median angle"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for key in sorted({(r["width"], r["rate"]) for r in runs}):
        group = [r for r in runs if (r["width"], r["rate"]) == key]
        for what in ("train", "val", "objective"):
            cells = [spread([r[what][k] for r in group]) for k in range(len(STEPS))]
            if what == "objective":
                cells = [f"{np.mean([r[what][k] for r in group]):.1f}" for k in range(len(STEPS))]
            kept, faces, angle = (np.mean([r[name] for r in group]) for name in ("replaced", "faces", "angle"))
            last = f"{kept:.1f} / {faces:.1f} | {angle:.1f}°"
            lines.append(f"| {key[0]} | {key[1]:g} | {what} | " + " | ".join(cells) + f" | {last} |")
    return "\n".join(lines) + "\n"


def picture(runs, path):
    """Accuracies with standard errors; networks with all neurons replaced are on a scale of their own."""
    keys = sorted({(r["width"], r["rate"]) for r in runs})
    apart = STEPS.index("polished, all")
    fig, axes = plt.subplots(
        2, 2, figsize=(11, 5), layout="constrained", sharex=True, gridspec_kw={"height_ratios": [3, 1]}
    )
    for (upper, lower), what in zip(axes.T, ("train", "val")):
        for k, name in enumerate(STEPS):
            groups = [[r[what][k] for r in runs if (r["width"], r["rate"]) == key] for key in keys]
            mean = [np.mean(g) for g in groups]
            error = [np.std(g, ddof=1) / len(g) ** 0.5 if len(g) > 1 else 0.0 for g in groups]
            ax = lower if k == apart else upper
            place = np.arange(len(keys)) + (0 if k == apart else 0.14 * (k - 2))
            ax.errorbar(place, mean, error, fmt="o", ms=4, capsize=3, color=f"C{k}", label=name)
        lower.set_xticks(range(len(keys)), [f"{w}\n{rate:g}" for w, rate in keys])
        lower.set_xlabel("second width, learning rate")
        upper.set_ylabel(f"{what} accuracy")
        lower.legend(fontsize=8)
    axes[0, 0].legend(fontsize=8)
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--pool", type=int, default=2, help="average this many pixels in each direction")
    parser.add_argument("--widths", default="16,64,256")
    parser.add_argument("--rates", default="0.1,0.03,0.01")
    parser.add_argument("--trials", type=int, default=5)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    data = images(options.data, options.pool)
    finder = WedgeFinder(make_frame(np.ascontiguousarray(data[0]), norm="l2", bias=True))
    book = options.folder / "cifar.jsonl"
    runs = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
    done = {(r["pool"], r["width"], r["rate"], r["seed"]) for r in runs}
    for rate in map(float, options.rates.split(",")):
        for width in map(int, options.widths.split(",")):
            for seed in range(options.trials):
                if (options.pool, width, rate, seed) in done:
                    continue
                runs.append({"pool": options.pool, **run(data, finder, width, rate, seed)})
                with book.open("a") as file:
                    file.write(json.dumps(runs[-1]) + "\n")
                print(runs[-1], flush=True)
    runs = [r for r in runs if r["pool"] == options.pool]
    text = table(runs)
    (options.folder / "cifar.md").write_text(text, encoding="utf-8")
    picture(runs, options.folder / "cifar.png")
    print(text)


if __name__ == "__main__":
    main()
