"""Which neurons of a layer to replace by their wedges, so that the objective falls."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convexnn._types import Bools, Floats
from convexnn.losses import LOSSES
from convexnn.network import RELU, DeepReLUNetwork
from convexnn.network.relu import row_norms
from convexnn.refine.last_layer import Task, reoptimised, responses, with_last
from convexnn.refine.neurons import NeuronReport, near_wedges, neuron_report
from convexnn.refine.objective import balanced
from convexnn.refine.representing import representing_wedges
from convexnn.refine.wedges import NearWedge, WedgeFinder, from_working
from convexnn.restricted.columns import ColumnsFit

__all__ = ["WedgeLayer", "candidates_of", "replace_inner", "replace_last"]

# Ridge of the next layer's least-squares fit, relative to the mean square of a response.
_RIDGE = 1e-8
# Single exchanges tried after the choices for the layer as a whole.
_EXCHANGES = 64


@dataclass(frozen=True)
class WedgeLayer:
    """A layer whose neurons are wedges of the lengths of the old neurons (the old ones where there is no wedge).

    Attributes
    ----------
    layer : int
    weight, bias : (m, d) and (m,) arrays
    has : (m,) array of bool
        Which neurons have a wedge.
    neurons : tuple of NeuronReport
        For those that have one.
    """

    layer: int
    weight: Floats
    bias: Floats
    has: Bools
    neurons: tuple[NeuronReport, ...]

    def reports(self, replaced: Bools) -> list[NeuronReport]:
        """The reports with the decisions filled in."""
        return [replace(neuron, replaced=bool(replaced[neuron.index])) for neuron in self.neurons]


def candidates_of(
    network: DeepReLUNetwork, layer: int, A: Floats, finder: WedgeFinder, choose: str, n_samples: int | None
) -> WedgeLayer:
    """The wedge of every neuron of a layer with inputs A (n, d)."""
    frame = finder.frame
    weight, bias = (array.copy() for array in network.layers[layer])
    wedges: list[NearWedge | None]
    if choose == "nearest":
        wedges = near_wedges(finder, weight, bias, n_samples)
    else:
        wedges = representing_wedges(frame, A, weight, bias)
    lengths = row_norms(weight, frame.norm)
    has = np.array([wedge is not None for wedge in wedges]) & (lengths > 0)
    reports = []
    old_weight, old_bias = network.layers[layer]
    for j in np.flatnonzero(has):
        wedge = wedges[j]
        assert wedge is not None
        normal, offset = from_working(frame, wedge.normal[None, :], np.array([wedge.offset]))
        weight[j], bias[j] = lengths[j] * normal[0], lengths[j] * offset[0]
        reports.append(neuron_report(frame, A, old_weight[j], float(old_bias[j]), wedge, layer=layer, index=int(j)))
    return WedgeLayer(layer, weight, bias, has, tuple(reports))


def replace_last(
    network: DeepReLUNetwork, task: Task, wedges: WedgeLayer, A: Floats, *, monotone: bool
) -> tuple[DeepReLUNetwork, Bools]:
    """Choose between neuron and wedge in the last hidden layer; each choice is judged by its convex optimum."""
    weight, bias = network.layers[-2]
    old, new = _unit(weight, bias, task), _unit(wedges.weight, wedges.bias, task)
    before, after = (responses(A, unit, offset) for unit, offset in (old, new))
    choice, fit = wedges.has, task.fit(np.where(wedges.has, after, before))
    if monotone:
        choice, fit = _best_choice(task, before, after, wedges.has, fit)
    unit = np.where(choice[:, None], new[0], old[0])
    result = with_last(network, unit, np.where(choice, new[1], old[1]), fit, task.norm)
    used = choice & (row_norms(fit.coef, task.norm) > 0) if monotone else choice
    return balanced(result, task.norm), used


def _best_choice(
    task: Task, before: Floats, after: Floats, has: Bools, every: ColumnsFit
) -> tuple[Bools, ColumnsFit]:
    """All old, all wedges, or of each pair the one that matters in the optimum over both; then single exchanges."""
    m = len(has)
    both = np.hstack([before, np.where(has, after, 0.0)])
    strength = row_norms(task.fit(both).coef, task.norm)
    stronger = has & (strength[m:] > strength[:m])
    options = [(every, has), (task.fit(before), np.zeros(m, dtype=bool))]
    options.append((task.fit(np.where(stronger, after, before)), stronger))
    fit, choice = min(options, key=lambda option: option[0].primal)
    for _ in range(_EXCHANGES):
        # An exchange can help only if the new column violates the dual constraint of the present optimum.
        other = np.where(choice, before, after)
        response = other.T @ fit.v
        sizes = np.abs(response).max(axis=1) if task.norm == "l1" else np.linalg.norm(response, axis=1)
        better = None
        for j in np.argsort(-sizes)[:4]:
            if not has[j] or sizes[j] <= task.beta * (1.0 + 1e-9):
                continue
            trial = choice.copy()
            trial[j] = ~trial[j]
            trial_fit = task.fit(np.where(trial, after, before))
            if trial_fit.primal < fit.primal * (1.0 - 1e-10):
                better = (trial, trial_fit)
                break
        if better is None:
            break
        choice, fit = better
    return choice, fit


def replace_inner(
    network: DeepReLUNetwork, task: Task, wedges: WedgeLayer, A: Floats, *, monotone: bool
) -> tuple[DeepReLUNetwork, Bools]:
    """Replace neurons of a layer whose outputs pass through further ReLUs.

    Tried are: all wedges; all wedges with the next layer fitted to its old pre-activations by least squares; and
    one after the other, each kept if the loss falls. Judged by the objective after the last layer is solved for.
    """
    everything = _with_layer(network, wedges, wedges.has)
    fitted = _refit_next(network, everything, wedges.layer, task)
    options = [(everything, wedges.has), (fitted, wedges.has)]
    if monotone:
        single = _one_by_one(network, task, wedges, A)
        options += [(_with_layer(network, wedges, single), single)]
        options += [(network, np.zeros_like(wedges.has))]
    values = [task.objective(reoptimised(option, task)) for option, _ in options]
    return options[int(np.argmin(values))]


def _with_layer(network: DeepReLUNetwork, wedges: WedgeLayer, choice: Bools) -> DeepReLUNetwork:
    layers = list(network.layers)
    weight, bias = layers[wedges.layer]
    layers[wedges.layer] = (np.where(choice[:, None], wedges.weight, weight), np.where(choice, wedges.bias, bias))
    return DeepReLUNetwork(tuple(layers))


def _refit_next(old: DeepReLUNetwork, new: DeepReLUNetwork, layer: int, task: Task) -> DeepReLUNetwork:
    """The next layer's weights by ridge regression on the pre-activations it had."""
    weight, bias = old.layers[layer + 1]
    target = old.activations(task.X)[layer] @ weight.T + bias
    H = new.activations(task.X)[layer]
    centre, middle = (H.mean(axis=0), target.mean(axis=0)) if task.bias else (np.zeros(H.shape[1]), np.zeros(len(bias)))
    shifted = H - centre
    gram = shifted.T @ shifted
    ridge = _RIDGE * max(float(np.trace(gram)) / len(gram), np.finfo(float).tiny)
    fitted = np.linalg.solve(gram + ridge * np.eye(len(gram)), shifted.T @ (target - middle)).T
    layers = list(new.layers)
    layers[layer + 1] = (fitted, middle - fitted @ centre if task.bias else bias)
    return DeepReLUNetwork(tuple(layers))


def _one_by_one(network: DeepReLUNetwork, task: Task, wedges: WedgeLayer, A: Floats) -> Bools:
    """Keep each replacement that lowers the loss while everything else stays (lengths, so the penalty, do too)."""
    k = wedges.layer
    loss = LOSSES[task.loss](task.Y)
    weight, bias = network.layers[k]
    following, shift = network.layers[k + 1]
    pre = RELU.value(A @ weight.T + bias) @ following.T + shift
    behind = DeepReLUNetwork(network.layers[k + 2 :])
    value = loss.value(behind.outputs(RELU.value(pre)))
    taken = np.zeros(len(bias), dtype=bool)
    for j in np.flatnonzero(wedges.has):
        change = RELU.value(A @ wedges.weight[j] + wedges.bias[j]) - RELU.value(A @ weight[j] + bias[j])
        moved = pre + np.outer(change, following[:, j])
        trial = loss.value(behind.outputs(RELU.value(moved)))
        if trial < value:
            taken[j], pre, value = True, moved, trial
    return taken


def _unit(weight: Floats, bias: Floats, task: Task) -> tuple[Floats, Floats]:
    """Neurons of length one; those of length zero are silent."""
    length = row_norms(weight, task.norm)
    safe = np.where(length > 0, length, 1.0)
    return weight / safe[:, None], np.where(length > 0, bias / safe, 0.0)
