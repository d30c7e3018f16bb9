"""
Local optima and the proven bound
=================================

The same objective, minimised by L-BFGS, Adam and stochastic gradients from random starts, and by convex training. No
run can end below the lower bound of the certificate.
"""

import matplotlib.pyplot as plt

from convexnn import beta_max, train
from convexnn.compare import local_restarts
from convexnn.data import make_spiral
from convexnn.plots import RestartsDisplay

X, y = make_spiral(100, random_state=0)
beta = 1e-3 * beta_max(X, y)
result = train(X, y, beta=beta)
proof = result.certificate
figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", sharey=True)
for ax, (method, epochs) in zip(axes, [("lbfgs", 1000), ("adam", 1500), ("sgd", 500)]):
    runs = local_restarts(X, y, n_restarts=12, beta=beta, method=method, width=50, max_iter=epochs)
    ends = [run.objective for run in runs]
    RestartsDisplay.from_objectives(ends, primal=proof.primal, dual=proof.dual, ax=ax)
    ax.set_title(f"{method}: best {100 * (min(ends) / proof.primal - 1):.2g} % above")
plt.show()
