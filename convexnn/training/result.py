"""What training returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from convexnn._progress import Progress
from convexnn._tables import html_table, text_table
from convexnn._types import Floats
from convexnn.certificate import Certificate
from convexnn.dictionaries import Atoms
from convexnn.geometry.dispersion import APrioriBound, bound_of_frame
from convexnn.geometry.frame import Frame
from convexnn.network import ReLUNetwork
from convexnn.restricted.status import Status

__all__ = ["TrainingResult"]


@dataclass(frozen=True)
class TrainingResult:
    """A trained network with the proof of its quality.

    Attributes
    ----------
    network : ReLUNetwork
    certificate : Certificate
        Recomputed from the data after training.
    atoms : Atoms
        The unit neurons that are used, with the samples that made each.
    coef : (m,) or (m, c) array
        Their coefficients: ``network.predict(X) = atoms.columns(X) @ coef + intercept``.
    intercept : float or (c,) array
    trace : tuple of Progress
        One entry per round: primal, dual, neurons, seconds.
    status : Status
        Why training stopped; its value is a sentence.
    strategy : str
        How neurons were searched, and why so.
    beta : float
        The penalty that was used.
    search_violation : float
        What a search found at its end: by which share the largest response that it met exceeds beta. Nothing is
        proved by it; nan where an exact method ended training.
    frame : Frame
        Working coordinates of the samples.
    """

    network: ReLUNetwork
    certificate: Certificate
    atoms: Atoms
    coef: Floats
    intercept: float | Floats
    trace: tuple[Progress, ...]
    status: Status
    strategy: str
    beta: float
    search_violation: float = float("nan")
    frame: Frame = field(repr=False, compare=False, kw_only=True)

    @cached_property
    def a_priori(self) -> APrioriBound:
        """How far the dictionary can be from all networks at most, known before training (Theorems 4, 5, 7).

        The optimum over all networks at `beta` is at least the dictionary optimum at ``gamma * beta``; the gap that
        the certificate measures is usually much smaller. Computed when first asked for.
        """
        return bound_of_frame(self.frame)

    @property
    def dual_point(self) -> Floats | None:
        """The dual vector from which the lower bound follows, in the units of the user; None if nothing is proved."""
        return self.certificate.dual_point

    def rows(self) -> dict[str, Any]:
        """What :meth:`summary` lists."""
        seconds = {"seconds": self.trace[-1].seconds} if self.trace else {}
        return {**self.certificate.rows(), "rounds": self.n_iter, **seconds, "search": self.strategy,
                "status": self.status.value}  # fmt: skip

    def summary(self) -> str:
        """Problem, network, proof and course of the training, one line each."""
        return text_table("Two-layer ReLU network", self.rows())

    def _repr_html_(self) -> str:
        return html_table("Two-layer ReLU network", self.rows())

    @property
    def n_iter(self) -> int:
        """Number of rounds."""
        return len(self.trace)

    @property
    def support(self) -> list[tuple[int, ...]]:
        """For each neuron the indices of the samples on its hyperplane."""
        n = self.certificate.n_samples
        return [tuple(int(i) for i in rows if 0 <= i < n) for rows in self.atoms.generators]
