"""
How much do wedge neurons miss?
===============================

For the l2 norm in the plane the optimum over all networks lies between the Lasso at ``beta * gamma`` and the Lasso at
``beta`` (Theorems 4 and 5 of arXiv 2309.16512). The bound from the geometry is safe and coarse; the true loss is small
and falls with the number of samples.
"""

import matplotlib.pyplot as plt
import numpy as np

from convexnn import beta_max, train
from convexnn.geometry.dispersion import a_priori_bound


def differences(n: int, seed: int) -> tuple[float, float]:
    """Relative distance of both bounds from the optimum over all networks."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, 2)), rng.normal(size=n)
    beta = 0.05 * beta_max(X, y, bias=False)
    gamma = a_priori_bound(X, bias=False).gamma
    best = train(X, y, beta=beta, bias=False, scope="network").certificate.dual
    above = train(X, y, beta=beta, bias=False, scope="dictionary").certificate.primal / best - 1
    below = 1 - train(X, y, beta=beta * gamma, bias=False, scope="dictionary").certificate.dual / best
    return above, below


sizes = [6, 9, 14, 20, 30, 45]
found = np.array([[differences(n, seed) for seed in range(7)] for n in sizes])
figure, ax = plt.subplots(layout="constrained")
ax.loglog(sizes, found[:, :, 0].mean(axis=1), "o-", label="Lasso(beta) above the optimum")
ax.loglog(sizes, found[:, :, 1].mean(axis=1), "s--", label="Lasso(beta gamma) below the optimum")
ax.set(xlabel="samples", ylabel="relative difference, mean of 7 draws")
ax.legend()
plt.show()
