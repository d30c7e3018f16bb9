"""
How training approaches the optimum
===================================

Objective and lower bound of every round. Training over all networks begins with wedge neurons; the bounds of that phase
(pale) speak of wedge neurons only, so the bound over all networks starts lower and closes again.
"""

import matplotlib.pyplot as plt

from convexnn import beta_max, train
from convexnn.data import make_spiral
from convexnn.plots import GapDisplay

X, y = make_spiral(200, random_state=0)
result = train(X, y, beta=1e-3 * beta_max(X, y), tol=1e-9)
GapDisplay.from_result(result)
print(result.certificate.summary())
plt.show()
