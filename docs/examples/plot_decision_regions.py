"""
Decision regions
================

Two moons, logistic loss, and both norms: few neurons suffice, and both networks are proved optimal.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons

from convexnn import beta_max, train
from convexnn.plots import DecisionDisplay

X, labels = make_moons(120, noise=0.15, random_state=0)
y = 2.0 * labels - 1.0
figure, axes = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
for ax, norm in zip(axes, ["l2", "l1"]):
    result = train(X, y, beta=1e-2 * beta_max(X, y, norm=norm, loss="log_loss"), norm=norm, loss="log_loss")
    DecisionDisplay.from_network(result, X, y, ax=ax)
    ax.set_title(f"{norm}: {result.network.n_neurons} neurons, gap {result.certificate.relative_gap:.0e}")
plt.show()
