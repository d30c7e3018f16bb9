"""What polishing returns."""

from __future__ import annotations

from dataclasses import dataclass

from convexnn.network import DeepReLUNetwork
from convexnn.refine.neurons import NeuronReport

__all__ = ["Polished", "neuron_table"]


@dataclass(frozen=True)
class Polished:
    """A polished network, what was gained by which step, and the samples behind its neurons.

    Attributes
    ----------
    network, original : DeepReLUNetwork
        Of the same widths.
    objective_given : float
        Objective of the original weights as they are.
    objective_rescaled : float
        After rescaling alone: the same function.
    objective_reoptimised : float
        After rescaling and solving for the last layer, with the original neurons.
    objective : float
        Of `network`.
    train_scores, val_scores : (original, reoptimised, polished)
        Scores of the three networks; `val_scores` is None without validation data.
    neurons : tuple of NeuronReport
        One for each neuron that has a wedge, in the order of polishing. Angles and inner products of a layer
        behind a polished one refer to the inputs it has then.
    """

    network: DeepReLUNetwork
    original: DeepReLUNetwork
    objective_given: float
    objective_rescaled: float
    objective_reoptimised: float
    objective: float
    train_scores: tuple[float, float, float]
    val_scores: tuple[float, float, float] | None
    neurons: tuple[NeuronReport, ...]

    @property
    def n_replaced(self) -> int:
        """Number of neurons that are wedges now."""
        return sum(neuron.replaced for neuron in self.neurons)

    def summary(self) -> str:
        """The objective step by step, and the scores."""
        names = ("as given", "rescaled", "last layer re-optimised", "polished")
        values = (self.objective_given, self.objective_rescaled, self.objective_reoptimised, self.objective)
        lines = [f"{name:<24} objective {value:.8g}" for name, value in zip(names, values)]
        lines.append(f"{self.n_replaced} of {len(self.neurons)} neurons replaced by wedges")
        for name, scores in (("training", self.train_scores), ("validation", self.val_scores)):
            if scores is not None:
                lines.append("{} score {:.4f} -> {:.4f} (re-optimised) -> {:.4f} (polished)".format(name, *scores))
        return "\n".join(lines)

    def table(self, limit: int | None = None) -> str:
        """The neurons with their samples, as Markdown."""
        return neuron_table(self.neurons[:limit])


def neuron_table(neurons: tuple[NeuronReport, ...]) -> str:
    """Markdown: layer, neuron, samples with inner products, angle, share."""
    lines = [
        "| layer | neuron | samples (inner product) | silent inputs | angle | share explained | replaced |",
        "|---|---|---|---|---|---|---|",
    ]
    for n in neurons:
        shown = ", ".join(f"{i} ({p:.2g})" for i, p in list(zip(n.samples, n.inner_products))[:6])
        more = f", ... {len(n.samples)} in all" if len(n.samples) > 6 else ""
        silent = ", ".join(map(str, n.axes[:6])) + (f", ... {len(n.axes)} in all" if len(n.axes) > 6 else "")
        lines.append(
            f"| {n.layer} | {n.index} | {shown}{more} | {silent or '-'} | {n.angle:.2f}° | {n.share:.4f} "
            f"| {'yes' if n.replaced else 'no'} |"
        )
    return "\n".join(lines) + "\n"
