"""What an oracle is: it finds the neurons that respond most to a dual vector, and says what its answer is worth.

A driver never asks which oracle it has. It asks what the oracle can do: whether the largest response that it reports
is a true maximum (`exact`), over which neurons (`scope`), what one call costs (`cost`), and whether the neurons it
answers with may lie off the dictionary (`moves`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np

from convexnn._progress import UNLIMITED, Clock
from convexnn._types import Floats, Ints
from convexnn.geometry.frame import Frame
from convexnn.network.neurons import NeuronSet

__all__ = ["Effort", "Oracle", "Pricing", "Scope", "response_norms", "strongest_first"]

Scope = Literal["network", "dictionary", "none"]


class Effort(Enum):
    """How hard an oracle that cannot be exact should look; exact ones always do all."""

    NORMAL = "normal"
    PROBE = "probe"
    """A single look at the best constant: twice as many starts and steps."""
    THOROUGH = "thorough"
    """The last look at a network: four times as many starts and twice the steps."""


@dataclass(frozen=True)
class Pricing:
    """Neurons with a strong response to a dual vector, strongest first.

    Attributes
    ----------
    neurons : NeuronSet
        Without coefficients.
    responses : (k,) array
        Norm over the outputs of v'(Xu + c)_+, decreasing.
    strongest : float
        The largest response that was met, also where `neurons` is empty; with an exact oracle and a complete answer
        no neuron of its scope responds more, unless it stays below the floor that was asked for.
    complete : bool
        False if the time was over before everything was priced; `strongest` then bounds nothing.
    above : float
        No neuron of the scope responds more, also below the floor; infinite where that is not known.
    """

    neurons: NeuronSet
    responses: Floats
    strongest: float
    complete: bool = True
    above: float = np.inf

    def __len__(self) -> int:
        return len(self.neurons)


class Oracle(ABC):
    """Finds the neurons that respond most to a dual vector.

    Attributes
    ----------
    strategy : str
        One sentence: which method, and what it visits.
    exact : bool
        Whether `strongest` of a complete answer is the maximum over the scope.
    scope : "network", "dictionary" or "none"
        Over which neurons it is: every one, the atoms of a dictionary, or only those that a search has met.
    moves : bool
        Whether answers may be neurons that are no wedges, whose best places a restricted solver has to find.
    starts_on_wedges : bool
        Whether a start among wedges pays, because they cost less to price.
    """

    strategy: str
    exact: bool
    scope: Scope
    moves: bool = False
    starts_on_wedges: bool = True

    @abstractmethod
    def cost(self, n_outputs: int) -> float:
        """Row visits of one call; about 10 ns each."""

    @abstractmethod
    def price(
        self,
        v: Floats,
        floor: float,
        limit: int,
        *,
        clock: Clock = UNLIMITED,
        effort: Effort = Effort.NORMAL,
        near: NeuronSet | None = None,
    ) -> Pricing:
        """Neurons that respond more than `floor` to a dual vector.

        Parameters
        ----------
        v : (n, c) array
            Dual vector; its columns sum to zero where biases are free.
        floor : float
            Responses up to this are of no interest.
        limit : int
            Largest number of neurons wanted; they are diverse.
        clock : Clock
            When it expires, what has been priced is returned as an incomplete answer.
        effort : Effort
        near : NeuronSet, optional
            Neurons near which a search should look, too.
        """

    def wedges_only(self) -> Oracle:
        """The same oracle for the atoms of the dictionary only."""
        return self

    def fresh(self) -> Oracle:
        """An oracle whose next answer does not depend on earlier calls."""
        return self

    def atoms(self) -> tuple[Floats, Floats] | None:
        """Hidden weights and biases, in input units, of all atoms in the scope, if they are few enough to be listed."""
        return None


def response_norms(responses: Floats, norm: str) -> Floats:
    """Size (..., ) of responses (..., c) to several outputs: Euclidean for l2, the largest for l1."""
    if responses.shape[-1] == 1:
        return np.abs(responses[..., 0])
    return np.asarray(
        np.abs(responses).max(axis=-1) if norm == "l1" else np.sqrt((responses * responses).sum(axis=-1))
    )


def strongest_first(
    frame: Frame,
    normals: Floats,
    offsets: Floats,
    rows: Ints,
    responses: Floats,
    *,
    floor: float,
    limit: int,
    strongest: float | None = None,
    complete: bool = True,
) -> Pricing:
    """Sort, drop what is not above `floor`, and keep one neuron per hyperplane."""
    top = float(responses.max(initial=0.0)) if strongest is None else strongest
    above = np.flatnonzero(responses > floor)
    order = above[np.argsort(-responses[above], kind="stable")]
    # The same line is found from each of its samples, and from either side: keep the first, which is the strongest.
    order = order[: 8 * limit]
    keys = np.hstack([rows[order], np.where(rows[order, -1:] < 0, order[:, None], -1)])
    _, first = np.unique(_as_numbers(keys), axis=0, return_index=True)
    keep = order[np.sort(first)][:limit]
    return Pricing(NeuronSet.found(normals[keep], offsets[keep], rows[keep]), responses[keep], top, complete)


def _as_numbers(keys: Ints) -> Ints:
    """One number for every row of integers >= -1, if they are small enough: sorted many times faster."""
    base = int(keys.max(initial=-1)) + 2
    if base ** keys.shape[1] > np.iinfo(np.int64).max:
        return keys
    return np.asarray((keys + 1) @ base ** np.arange(keys.shape[1]))
