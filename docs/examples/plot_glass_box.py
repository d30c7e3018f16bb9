"""
A model of one and two features
===============================

A risk that depends on age, on blood pressure from a threshold on, and on two doses together. Every neuron sees at most
two of six features, so the network is a sum of functions that can be drawn; the certificate says that no other network
of this kind, of any width, has a lower training objective.
"""

import numpy as np

from convexnn import AdditiveReLURegressor
from convexnn.plots import ImportanceDisplay, InteractionDisplay, ShapeDisplay

rng = np.random.default_rng(0)
names = ["age", "pressure", "dose a", "dose b", "weight", "height"]
X = rng.uniform(-1.0, 1.0, (400, 6))
risk = 0.8 * X[:, 0] + np.maximum(X[:, 1] - 0.3, 0.0) + 1.5 * np.maximum(X[:, 2] + X[:, 3], 0.0)
y = risk + 0.1 * rng.standard_normal(400)

model = AdditiveReLURegressor(beta_ratio=0.02).fit(X, y)
print(model.certificate_.summary())

# %%
# What each term contributes over the samples:
ImportanceDisplay.from_model(model, X, feature_names=names)

# %%
# The functions of one feature, strongest first. A pair has no main effect of its own: what it does on average is here.
ShapeDisplay.from_model(model, X, feature_names=names, features=["age", "pressure", "dose a"])

# %%
# The two doses act together:
InteractionDisplay.from_model(model, X, feature_names=names, limit=1)

# %%
# One prediction, term by term:
print(model.explain_local(X[0]).table())
