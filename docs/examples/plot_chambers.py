"""
Chambers: how evenly samples cover the directions
=================================================

Without biases, planar samples cut the circle of unit neurons into chambers of equal activation pattern. Corners are
wedge neurons. The widest chamber (red) bounds how much the list of wedge neurons can miss for the l2 norm:
``Lasso(beta gamma) <= optimum <= Lasso(beta)``. After Figure 5 of arXiv 2309.16512.
"""

import matplotlib.pyplot as plt
import numpy as np

from convexnn.plots import DispersionDisplay

rng = np.random.default_rng(0)
figure, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
for ax, n in zip(axes, [4, 12, 60]):
    DispersionDisplay.from_samples(rng.normal(size=(n, 2)), ax=ax)

# %%
# With more samples gamma goes to one, like 1 / n^2 up to logarithms.

sizes = np.unique(np.geomspace(5, 2000, 12).astype(int))
missing = [np.median([1 - DispersionDisplay(rng.normal(size=(n, 2))).gamma for _ in range(20)]) for n in sizes]
figure, ax = plt.subplots(layout="constrained")
ax.loglog(sizes, missing, "o-")
ax.set(xlabel="samples", ylabel="1 - gamma, median of 20 draws")
plt.show()
