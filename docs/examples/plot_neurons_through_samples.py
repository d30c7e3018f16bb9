"""
Two features: lines through pairs of samples
============================================

The optimal network on a spiral. Every neuron switches on along a line; with wedge neurons the line passes through two
samples (rings). Over all networks a line may turn about one sample, where that lowers the objective a little.
"""

import matplotlib.pyplot as plt

from convexnn import beta_max, train
from convexnn.data import make_spiral
from convexnn.plots import NeuronsDisplay, PlanarDisplay

X, y = make_spiral(150, random_state=0)
beta = 1e-2 * beta_max(X, y)
figure, axes = plt.subplots(1, 2, figsize=(12, 5.5), layout="constrained")
for ax, scope in zip(axes, ["dictionary", "network"]):
    result = train(X, y, beta=beta, scope=scope)
    NeuronsDisplay.from_result(result, X, y, ax=ax, strongest=12)
    ax.set_title(f"scope {scope}: objective {result.certificate.primal:.5f}, {result.network.n_neurons} neurons")

# %%
# The output of the network, with all its lines.

PlanarDisplay.from_network(result.network, X, y)
plt.show()
