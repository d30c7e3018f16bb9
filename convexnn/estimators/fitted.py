"""What every fitted estimator tells about its network and its proof."""

from __future__ import annotations

from convexnn._types import Floats
from convexnn.certificate import Certificate
from convexnn.network import ReLUNetwork

__all__ = ["FittedNetwork"]


class FittedNetwork:
    """Read-only views of ``network_`` and ``certificate_`` under the names scikit-learn users expect."""

    network_: ReLUNetwork
    certificate_: Certificate

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
