"""Polish a trained network: move its neurons onto samples, and solve for the last layer exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convexnn._checks import check_count, check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Floats, Norm
from convexnn.exceptions import ParameterError
from convexnn.geometry.frame import Frame, make_frame
from convexnn.losses import LOSSES
from convexnn.network import DeepReLUNetwork
from convexnn.refine.last_layer import Task, reoptimised
from convexnn.refine.neurons import NeuronReport
from convexnn.refine.objective import balanced, check_kind, check_layers
from convexnn.refine.polished import Polished
from convexnn.refine.readers import relu_network
from convexnn.refine.replacement import candidates_of, replace_inner, replace_last
from convexnn.refine.scores import default_score
from convexnn.refine.wedges import WedgeFinder

__all__ = ["polish"]


def polish(
    network: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    beta: float,
    layers: Sequence[int] | None = None,
    monotone: bool = True,
    choose: str = "nearest",
    n_samples: int | None = None,
    norm: Norm = "l2",
    bias: bool = True,
    loss: str = "squared_error",
    X_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    score: Callable[[Floats, Floats], float] | None = None,
    geometry: Frame | WedgeFinder | None = None,
) -> Polished:
    """Lower the objective of a trained network without a learning rate, and name the samples behind its neurons.

    Each hidden neuron is replaced by the cross product of the independent samples nearest to its hyperplane, with
    its orientation; then the last layer and the scales of the neurons before it are optimised exactly, and all
    layers are rescaled (arXiv 2309.16512, sections 4.1 and 6.12). Widths do not change; neurons that the optimum
    does not need become zero.

    Parameters
    ----------
    network : object
        Anything :func:`from_module` reads.
    X : (n, d) array
    y : (n,) or (n, c) array
        Training data, in the form that `loss` needs.
    beta : float
        Weight decay: the coefficient of half the sum of squared weights. The loss is a sum over samples, so that
        an average with PyTorch's ``weight_decay=wd`` means ``beta = n * wd``; biases are not penalised.
    layers : sequence of int, optional
        Hidden layers to polish, 0 next to the input; all of them by default, from the input on.
    monotone : bool
        True: neurons are replaced only as far as the objective falls, and it never rises. False: all neurons that
        have a wedge are replaced, whatever happens, as in the paper.
    choose : "nearest" or "lasso"
        Which wedge: of the nearest samples, or the atom with the largest part in the dictionary Lasso fitted to
        the neuron's own response (needs a layer with few inputs, as :func:`convexnn.train` does).
    n_samples : int, optional
        For "nearest": samples that each neuron is made to contain. By default as many as fix its hyperplane (the
        number of inputs); in high dimension that turns a neuron by almost a right angle, and a few may serve better.
    norm : "l2" or "l1"
        Norm of the weights; "l1" for an even number of layers, see :func:`half_decay`.
    bias : bool
        Whether biases are free, or absent.
    loss : str
    X_val, y_val : arrays, optional
        Data for a validation score.
    score : callable, optional
        ``score(outputs, targets)``, both (n, c); accuracy for losses of labels, else R^2.
    geometry : Frame or WedgeFinder, optional
        ``frame = make_frame(X, norm=norm, bias=bias)``, if it is at hand: saves a decomposition of X when many
        networks are polished on the same samples. ``WedgeFinder(frame)`` also remembers the wedges of the network
        polished last, so that a call with other options does not look for them again.

    Returns
    -------
    Polished

    Raises
    ------
    ModelFormatError
        If the network cannot be read.
    DataError, ParameterError
        If an argument is not usable.
    """
    given = relu_network(network)
    points = check_points(X, n_features=given.n_features)
    targets = check_targets(y, len(points))
    if choose not in ("nearest", "lasso"):
        raise ParameterError(f"choose={choose!r} is unknown; choose 'nearest' or 'lasso'.")
    if n_samples is not None:
        n_samples = check_count("n_samples", n_samples)
    LOSSES.check(loss)
    task = Task(points, targets, check_real("beta", beta, low=0.0, strict=True), check_norm(norm), bias, loss)
    check_kind(given, task.norm, bias)
    wanted = check_layers(layers, given.n_layers - 1)
    rescaled = balanced(given, task.norm)
    refitted = reoptimised(rescaled, task)
    moved, reports = _moved(rescaled, task, wanted, choose, n_samples, geometry, monotone=monotone)
    final = reoptimised(moved, task, always=True)
    if monotone:
        # Where neurons are moved for nothing, the best network on the way stays.
        final = min((final, moved, refitted, rescaled), key=task.objective)
    measure = default_score(loss) if score is None else score
    networks = (given, refitted, final)
    val_scores = None
    if X_val is not None and y_val is not None:
        held = check_points(X_val, n_features=given.n_features, name="X_val")
        val_scores = _scores(measure, held, check_targets(y_val, len(held)), *networks)
    return Polished(
        network=final,
        original=given,
        objective_given=task.objective(given),
        objective_rescaled=task.objective(rescaled),
        objective_reoptimised=task.objective(refitted),
        objective=task.objective(final),
        train_scores=_scores(measure, points, targets, *networks),
        val_scores=val_scores,
        neurons=tuple(reports),
    )


def _moved(
    network: DeepReLUNetwork,
    task: Task,
    layers: list[int],
    choose: str,
    n_samples: int | None,
    geometry: Frame | WedgeFinder | None,
    *,
    monotone: bool,
) -> tuple[DeepReLUNetwork, list[NeuronReport]]:
    """Layer after layer, each on the activations that the polished layers before it give."""
    reports: list[NeuronReport] = []
    for k in layers:
        A = task.X if k == 0 else network.activations(task.X)[k - 1]
        known = geometry if k == 0 else None
        if known is None:
            known = make_frame(np.ascontiguousarray(A), norm=task.norm, bias=task.bias)
        finder = known if isinstance(known, WedgeFinder) else WedgeFinder(known)
        candidates = candidates_of(network, k, A, finder, choose, n_samples)
        replace = replace_last if k == network.n_layers - 2 else replace_inner
        network, which = replace(network, task, candidates, A, monotone=monotone)
        reports += candidates.reports(which)
    return network, reports


def _scores(
    measure: Callable[[Floats, Floats], float], X: Floats, Y: Floats, *networks: DeepReLUNetwork
) -> tuple[float, float, float]:
    given, refitted, final = (float(measure(net.outputs(X), Y)) for net in networks)
    return given, refitted, final
