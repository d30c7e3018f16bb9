"""What every fitted estimator tells about its network and its proof."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from convexnn._tables import text_table
from convexnn._types import Floats
from convexnn.certificate import Certificate
from convexnn.network import ReLUNetwork

__all__ = ["FittedNetwork"]


# Features that a summary names.
_SHOWN = 8


class FittedNetwork:
    """Read-only views of ``network_`` and ``certificate_`` under the names scikit-learn users expect."""

    network_: ReLUNetwork
    certificate_: Certificate
    feature_importances_: Floats
    n_iter_: int
    status_: str

    def summary(self) -> str:
        """Problem, network, proof and course of the fit, and what it listens to, one line each."""
        check_is_fitted(self)
        rows = {**self.certificate_.rows(), "rounds": self.n_iter_, "status": self.status_}
        if hasattr(self, "best_ratio_"):
            rows["penalty"] += f", ratio {self.best_ratio_:.4g} by cross-validation"
        names = getattr(self, "feature_names_in_", [f"x{k}" for k in range(len(self.feature_importances_))])
        order = np.argsort(-self.feature_importances_, kind="stable")[:_SHOWN]
        rows["importances"] = ", ".join(f"{names[k]} {self.feature_importances_[k]:.3g}" for k in order)
        return text_table(type(self).__name__, rows)

    @property
    def coefs_(self) -> list[Floats]:
        """Weights of the two layers, (d, m) and (m, c), as in scikit-learn's MLPs."""
        return [self.network_.hidden_weights.T, self.network_.output_weights]

    @property
    def intercepts_(self) -> list[Floats]:
        """Biases of the two layers, (m,) and (c,), as in scikit-learn's MLPs."""
        return [self.network_.hidden_biases, self.network_.intercept]

    @property
    def objective_(self) -> float:
        """Training objective of the network."""
        return self.certificate_.primal

    @property
    def lower_bound_(self) -> float:
        """Proven lower bound on the objective, for the scope of the certificate."""
        return self.certificate_.dual

    @property
    def dual_gap_(self) -> float:
        """Relative duality gap."""
        return self.certificate_.relative_gap

    @property
    def certified_(self) -> bool:
        """Whether the gap is proved to be at most `tol`; a search proves nothing."""
        return self.certificate_.holds
