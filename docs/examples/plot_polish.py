"""
Polish a network that is already trained
========================================

A network of scikit-learn, trained by Adam, is read, explained by the samples its neurons almost contain, and polished:
neurons move onto these samples where that lowers the objective, and the last layer is solved for exactly. The
certified optimum of the same objective over networks of any width says what is left.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.neural_network import MLPRegressor

from convexnn import polish, train
from convexnn.data import make_spiral
from convexnn.plots import DecisionDisplay, ExplanationDisplay

BETA = 0.05
X, y = make_spiral(100, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Adam stops at max_iter, which is the point
    model = MLPRegressor(hidden_layer_sizes=(60,), alpha=BETA, max_iter=500, random_state=1).fit(X, y)

result = polish(model, X, y, beta=BETA)
print(result.summary())
print(result.table(5))

# %%
# What is left, and a proof that it is not more.

best = train(X, y, beta=BETA)
print(best.certificate.summary())
assert best.certificate.dual <= result.objective < result.objective_given

# %%
# Neurons near the upper left corner are defined by two samples; those below have no effect on the data.

fig, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
ExplanationDisplay.from_network(model, X, ax=axes[0])
DecisionDisplay.from_network(result.original.to_shallow(), X, y, ax=axes[1])
DecisionDisplay.from_network(result.network.to_shallow(), X, y, ax=axes[2])
axes[1].set_title(f"Adam: {result.objective_given:.3f}")
axes[2].set_title(f"polished: {result.objective:.3f}, optimum {best.certificate.primal:.3f}")
plt.show()
