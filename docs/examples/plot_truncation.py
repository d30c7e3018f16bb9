"""
Constructive layers: cones and apexes
=====================================

A layer of as many neurons as features leaves a cone unchanged and sends the opposite cone to its apex (arXiv
2309.10370, Definition 3.4). Aimed at one class, it collapses that class to a point: the step by which deep networks of
zero cost are written down (arXiv 2309.10639).
"""

import matplotlib.pyplot as plt

from convexnn.constructive.cones import cone_layer
from convexnn.data import make_clusters
from convexnn.plots import TruncationDisplay

X, labels = make_clusters(120, 2, n_clusters=3, radius=0.35, random_state=3)
centre = X.mean(axis=0)
figure, axes = plt.subplots(1, 3, figsize=(14, 5), layout="constrained")
for k, ax in enumerate(axes):
    mean = X[labels == k].mean(axis=0)
    cone = cone_layer(centre - mean, mean + 0.6 * (centre - mean), 0.25)
    TruncationDisplay.from_layer(X, labels, cone.weight, cone.bias, ax=ax)
    ax.set_title(f"class {k} goes to the apex")
plt.show()
