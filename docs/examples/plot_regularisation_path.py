"""
Regularisation path
===================

Networks along decreasing penalties, each started from the last. Neurons enter one after another; a line is one neuron,
followed by the samples that it passes through.
"""

import matplotlib.pyplot as plt

from convexnn import solve_path
from convexnn.data import load_bundled
from convexnn.plots import PathDisplay

wave = load_bundled("wave1d")
path = solve_path(wave.X, wave.y, n_betas=40)
PathDisplay.from_path(path)
print(f"largest relative gap on the path: {path.gaps.max():.1e}")
plt.show()
