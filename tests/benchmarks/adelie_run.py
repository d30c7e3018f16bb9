"""One run of adelie on the convex ReLU problem with sampled gates: ``adelie_run.py IN.npz OUT.npz SECONDS``.

Runs in an environment of its own (adelie needs numpy < 2; convexnn is not imported). IN holds X (n, d), y (n,) and
beta; OUT receives hidden weights W (m, d) and output weights a (m,) of the network, after at most that many seconds.
Gates are Gaussian, as in the papers on convex training; a path of penalties ends at beta, each warm from the last.
"""

import sys
import time

import adelie as ad
import numpy as np

GATES, POINTS = 500, 30


def main() -> None:
    given = np.load(sys.argv[1])
    X, y, beta, limit = given["X"], given["y"], float(given["beta"]), float(sys.argv[3])
    n, d = X.shape
    gates = np.random.default_rng(0).standard_normal((d, GATES))
    mask = np.asfortranarray(np.unique(X @ gates >= 0, axis=1))
    m = mask.shape[1]
    matrix = ad.matrix.convex_relu(np.asfortranarray(X), mask, gated=False, n_threads=1)
    signs = np.where(mask, 1.0, -1.0)
    # (2 D_i - I) X v >= 0: the neuron v has the activation pattern of its gate.
    cones = [np.ascontiguousarray(signs[:, i, None] * X) for i in range(m)] * 2
    infinite, zero = np.full(n, np.inf), np.zeros(n)
    constraints = [ad.constraint.linear(cone, zero, infinite) for cone in cones]
    strongest = np.abs(X.T @ (mask * y[:, None])).max() * np.sqrt(d) / n
    path = np.geomspace(max(strongest, 1.01 * beta / n), beta / n, POINTS)
    begin, best = time.process_time(), np.zeros(2 * m * d)

    def over(*_: object) -> bool:
        return time.process_time() - begin > limit

    state = ad.grpnet(
        matrix, ad.glm.gaussian(y), constraints=constraints, groups=np.arange(0, 2 * m * d, d), penalty=np.ones(2 * m),
        lmda_path=path, intercept=False, early_exit=False, progress_bar=False, n_threads=1, exit_cond=over,
    )  # fmt: skip
    if len(state.betas.indptr) > 1:
        best = state.betas[-1].toarray().ravel()
    rows = best.reshape(2 * m, d)
    on = np.flatnonzero(np.abs(rows).max(axis=1) > 0)
    lengths = np.sqrt(np.linalg.norm(rows[on], axis=1))
    reached = state.lmdas[-1] * n / beta if len(state.lmdas) else np.inf
    np.savez(
        sys.argv[2], W=rows[on] / lengths[:, None], a=np.where(on < m, 1.0, -1.0) * lengths,
        seconds=time.process_time() - begin, reached=reached,
    )  # fmt: skip


if __name__ == "__main__":
    main()
