"""What is to be proved: a network, its training problem, and the budgets of the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convexnn._progress import Clock
from convexnn._types import ArrayLike, Bias, Floats, Ints, Norm
from convexnn.certificate.atoms import GivenAtoms
from convexnn.certificate.orders import Orders
from convexnn.certificate.record import Scope
from convexnn.geometry.frame import Frame, make_frame
from convexnn.geometry.interactions import Interactions
from convexnn.losses import Loss
from convexnn.network.relu import ReLUNetwork

if TYPE_CHECKING:
    from convexnn.bounds.multipliers import PieceMultipliers

__all__ = ["CertificateProblem"]


@dataclass(frozen=True)
class CertificateProblem:
    """A network and the training problem it is compared with: arguments of `certify`, checked.

    Attributes
    ----------
    X : (n, d) array
        Samples of positive weight, in the order of `rows`.
    loss : Loss
        Bound to the targets of these samples.
    rows : (n,) array of int
        Their places among the `n_samples` that were given.
    scope : "network", "dictionary" or "none"
    dual_point : (n,) or (n, c) array, optional
        For these samples.
    claimed : float, optional
        A largest response that branch and bound only has to confirm.
    multipliers : sequence of sequence of PieceMultipliers, optional
        For each output those of a moment bound, over these samples.
    effort : "quick" or "full"
        Where no exact maximum is affordable: a little branch and bound, and moments where it ends with a wide gap; or
        branch and bound, and moments where it is not known.
    groups : Interactions, optional
        The networks of the problem are those whose neurons each see one of these groups of features.
    """

    network: ReLUNetwork
    X: Floats
    loss: Loss
    rows: Ints
    n_samples: int
    beta: float
    norm: Norm
    bias: Bias
    scope: Scope
    tol: float
    atoms: GivenAtoms | None
    dual_point: ArrayLike | None
    max_work: int
    n_jobs: int | None
    fingerprint: str
    clock: Clock
    claimed: float | None = None
    orders: Orders | None = None
    multipliers: Sequence[Sequence[PieceMultipliers]] | None = None
    effort: str = "full"
    groups: Interactions | None = None

    def frame(self) -> Frame:
        """Working coordinates of the samples."""
        if self.orders is None:
            return make_frame(self.X, norm=self.norm, bias=self.bias)
        return self.orders.frame(self.X, norm=self.norm, bias=self.bias)
