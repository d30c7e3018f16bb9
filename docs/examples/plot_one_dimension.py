"""
One feature: break points at samples
====================================

On the line an optimal network is a broken line that bends at samples only (arXiv 2309.16512, Theorem 1, Figure 2). The
penalty decides at how many. Each of these networks is certified: no network of any width has a lower objective.
"""

import matplotlib.pyplot as plt
import numpy as np

from convexnn import beta_max, train
from convexnn.plots import LineDisplay

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2, 2, 80))[:, None]
y = np.sin(3 * x[:, 0]) * (x[:, 0] + 2) / 2 + 0.15 * rng.normal(size=80)
top = beta_max(x, y)

figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", sharey=True)
for ax, ratio in zip(axes, [1e-1, 1e-2, 1e-4]):
    result = train(x, y, beta=ratio * top)
    display = LineDisplay.from_estimator(result, x, y, ax=ax)
    ax.set_title(f"beta = {ratio:g} beta_max, gap {result.certificate.relative_gap:.0e}")
    on_samples = np.abs(display.breaks[:, None] - x[:, 0]).min(axis=1)
    print(f"{ratio:g}: {len(display.breaks)} break points, farthest from a sample {on_samples.max():.1e}")
plt.show()
