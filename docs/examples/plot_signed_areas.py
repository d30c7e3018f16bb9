"""
What a neuron measures
======================

A wedge neuron answers an input with the volume of the body spanned by the input and the samples of the neuron, divided
by the volume of the face of the samples: a distance, on one side only. On the line the body is a segment, in the plane
a parallelogram (no bias) or a triangle (bias). After Figures 1 to 3 of arXiv 2309.16512.
"""

import matplotlib.pyplot as plt

from convexnn.plots import WedgeDisplay

figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
WedgeDisplay.from_samples(2.0, 0.5, ax=axes[0])
WedgeDisplay.from_samples([2.0, 0.5], [1.0, 1.5], ax=axes[1])
WedgeDisplay.from_samples([2.0, 0.5], [1.0, 1.5], [0.5, -0.5], ax=axes[2])

# %%
# On the other side of the hyperplane the volume is negative and the neuron is silent.

figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
WedgeDisplay.from_samples(0.2, 0.5, ax=axes[0])
WedgeDisplay.from_samples([0.4, 1.8], [1.0, 1.5], ax=axes[1])
WedgeDisplay.from_samples([-0.4, 0.9], [1.0, 1.5], [0.5, -0.5], ax=axes[2])
plt.show()
