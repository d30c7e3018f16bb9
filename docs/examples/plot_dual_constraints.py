"""
Why the network is optimal
==========================

The residual of an optimal network is answered by no candidate neuron by more than beta, and by the neurons in use by
exactly beta. That is the whole proof, and the certificate checks it.
"""

import matplotlib.pyplot as plt

from convexnn import beta_max, train
from convexnn.data import make_spiral
from convexnn.plots import DualDisplay

X, y = make_spiral(150, random_state=0)
beta = 1e-2 * beta_max(X, y)
figure, axes = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
DualDisplay.from_result(train(X, y, beta=beta, scope="dictionary"), X, y, ax=axes[0])
axes[0].set_title("optimal")
DualDisplay.from_result(train(X, y, beta=beta, scope="dictionary", max_iter=3), X, y, ax=axes[1])
axes[1].set_title("stopped after three rounds: some neurons answer more")
plt.show()
