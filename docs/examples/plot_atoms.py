"""
Candidate neurons as heat maps
==============================

The strongest neurons of a trained network: each is the distance to a line on one side of it. The samples that make the
line are marked. The l1 norm prefers lines along an axis.
"""

import matplotlib.pyplot as plt

from convexnn import beta_max, train
from convexnn.data import make_spiral
from convexnn.plots import AtomsDisplay

X, y = make_spiral(100, random_state=0)
for norm in ("l2", "l1"):
    result = train(X, y, beta=3e-2 * beta_max(X, y, norm=norm), norm=norm, scope="dictionary")
    display = AtomsDisplay.from_estimator(result, X, most=8)
    display.figure_.suptitle(f"norm {norm}: samples on the line, orientation")
plt.show()
