"""Deep networks by convex problems: every block is trained on the activations of the one before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convexnn._checks import check_count, check_norm, check_real, check_time_limit
from convexnn._progress import Clock, Observer
from convexnn._types import ArrayLike, Floats, Norm
from convexnn.certificate import Certificate
from convexnn.exceptions import ParameterError
from convexnn.losses import LOSSES
from convexnn.network import RELU, DeepReLUNetwork, ReLUNetwork
from convexnn.network.relu import row_norms
from convexnn.refine.joint import fine_tuned
from convexnn.refine.last_layer import Task, reoptimised
from convexnn.training.choice import MAX_PRICED
from convexnn.training.driver import Driver
from convexnn.training.result import TrainingResult
from convexnn.training.samples import check_samples

__all__ = ["BlockOptions", "Layerwise", "train_layerwise"]

# Width, L-BFGS iterations and share of the time of the local descent from which a search begins.
_START, _LOCAL, _LOCAL_SHARE = 100, 300, 0.6
# Share of the time of a block that the largest useful penalty may take.
_PENALTY = 0.2


@dataclass(frozen=True)
class BlockOptions:
    """How each block is trained; see :func:`train_layerwise`."""

    beta: float | None
    beta_ratio: float
    norm: Norm
    bias: bool
    loss: str
    scope: str
    tol: float | None
    max_iter: int
    max_atoms: int
    random_state: int | None
    n_jobs: int | None
    start_width: int
    weight: Floats | None
    observer: Observer | None
    clock: Clock


@dataclass(frozen=True)
class Layerwise:
    """A deep network trained block by block.

    Attributes
    ----------
    network : DeepReLUNetwork
        One hidden layer per block.
    certificates : tuple of Certificate or None
        For each block what was proved of it as a two-layer network on *its* inputs; never a statement about the
        stack. None for blocks that fine-tuning changed afterwards.
    betas : tuple of float
        Penalty of each block.
    objective : float
        Of the last block on its inputs: the loss of the whole network is part of it.
    """

    network: DeepReLUNetwork
    certificates: tuple[Certificate | None, ...]
    betas: tuple[float, ...]
    objective: float


def train_layerwise(
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_blocks: int = 2,
    width: int | None = None,
    beta: float | None = None,
    beta_ratio: float = 1e-2,
    norm: Norm = "l2",
    bias: bool = True,
    loss: str = "squared_error",
    scope: str = "network",
    fine_tune: int = 0,
    tol: float | None = None,
    max_iter: int = 1000,
    time_limit: float | None = None,
    max_atoms: int = MAX_PRICED,
    random_state: int | None = None,
    n_jobs: int | None = None,
    sample_weight: ArrayLike | None = None,
    observer: Observer | None = None,
    clock: Clock | None = None,
) -> Layerwise:
    """Train a deep ReLU network as a sequence of two-layer problems.

    Block k is a two-layer network from the activations of block k - 1 to the targets, trained as by
    :func:`convexnn.train`; its hidden layer becomes a layer of the deep network, its output weights are used in the
    last block only. So the last block is optimal for its inputs, within the scope of its certificate: proved where
    the inputs have few dimensions or norm="l1"; where neurons can only be searched (scope "none"), nothing is
    proved, and with several outputs the search begins with a local descent from a random start (l2).

    Parameters
    ----------
    X : (n, d) array
    y : (n,) or (n, c) array
    n_blocks : int
        Number of hidden layers. Fewer are made if a block needs no neuron at all.
    width : int, optional
        Largest number of neurons kept of every block but the last, those with the largest ||w_j|| ||a_j||.
    beta : float, optional
        Penalty of every block; by default `beta_ratio` times the block's own beta_max.
    norm, bias, loss, scope, tol, max_iter, max_atoms, random_state, n_jobs, sample_weight :
        As in :func:`convexnn.train`; bias is True or False.
    observer : callable, optional
        Called with a `Progress` after every round of every block.
    clock : Clock, optional
        Of the whole training: when it expires, the block that is being trained becomes the last.
    fine_tune : int
        Iterations of L-BFGS over all layers after the blocks (l2 only), followed by exact last-layer weights and a
        last block trained again from there. Each of the steps is kept only if it lowers the objective.
    time_limit : float, optional
        Seconds for the whole call, in equal parts for the blocks and, each like one, for moving all layers and for the
        last block after it.

    Returns
    -------
    Layerwise
    """
    data = check_samples(X, y, sample_weight)
    points, targets = data.X, data.Y
    n_blocks, fine_tune = check_count("n_blocks", n_blocks), check_count("fine_tune", fine_tune, low=0)
    if width is not None:
        width = check_count("width", width)
    if bias not in (True, False):
        raise ParameterError(f"bias={bias!r}: deep networks have free biases (True) or none (False).")
    LOSSES.check(loss)
    whole = Clock(check_time_limit(time_limit), clock)
    options = BlockOptions(
        beta, check_real("beta_ratio", beta_ratio, low=0.0, strict=True), check_norm(norm), bias, loss, scope, tol,
        max_iter, max_atoms, random_state, n_jobs,
        start_width=_START if width is None else width,
        weight=data.weight, observer=observer, clock=whole,
    )  # fmt: skip
    layers, results = _blocks(points, targets, n_blocks, width, options, 2 if fine_tune else 0)
    network = _stacked(layers, results[-1].network)
    certificates: list[Certificate | None] = [result.certificate for result in results]
    objective = results[-1].certificate.primal
    if fine_tune and network.n_neurons and not options.clock.expired:
        network, last = _tuned(network, points, targets, options, results[-1].beta, fine_tune)
        if last is not None:
            certificates = [None] * (len(results) - 1) + [last.certificate]
            objective = last.certificate.primal
    return Layerwise(network, tuple(certificates), tuple(result.beta for result in results), objective)


def _blocks(
    X: Floats, Y: Floats, n_blocks: int, width: int | None, options: BlockOptions, later: int
) -> tuple[list[tuple[Floats, Floats]], list[TrainingResult]]:
    """Hidden layers of all blocks but the last, and the result of every block; as many stages as `later` follow."""
    layers: list[tuple[Floats, Floats]] = []
    results: list[TrainingResult] = []
    A = X
    for block in range(n_blocks):
        result = _train_block(A, Y, options, options.clock.part(1.0 / (n_blocks - block + later)))
        results.append(result)
        if block == n_blocks - 1 or result.network.n_neurons == 0 or options.clock.expired:
            break
        weight, offset = _strongest(result.network, options.norm, width)
        layers.append((weight, offset))
        A = np.ascontiguousarray(RELU.value(A @ weight.T + offset))
    return layers, results


def _session(A: Floats, Y: Floats, options: BlockOptions) -> Driver:
    return Driver(
        A, Y, norm=options.norm, bias=options.bias, loss=options.loss, scope=options.scope,
        max_atoms=options.max_atoms, random_state=options.random_state, n_jobs=options.n_jobs,
        sample_weight=options.weight, bound="none",
    )  # fmt: skip


def _train_block(A: Floats, Y: Floats, options: BlockOptions, clock: Clock) -> TrainingResult:
    session = _session(A, Y, options)
    beta = options.beta
    if beta is None:
        # A constant target has beta_max = 0: every beta > 0 gives the same constant network.
        beta = options.beta_ratio * (session.beta_max(clock.part(_PENALTY)) or 1.0)
    # With several outputs the restricted problem of a search is slow, and a local descent far ahead when it begins.
    if session.scope == "none" and options.norm == "l2" and Y.shape[1] > 1:
        session.start_from(_local_start(A, Y, beta, options, clock.part(_LOCAL_SHARE)))
    return session.solve(beta, tol=options.tol, max_iter=options.max_iter, clock=clock, observer=options.observer)


def _local_start(A: Floats, Y: Floats, beta: float, options: BlockOptions, clock: Clock) -> ReLUNetwork:
    """Where neurons are searched anyway, the search begins with a network from a random start that has descended."""
    rng = np.random.default_rng(0 if options.random_state is None else options.random_state)
    d, c, m = A.shape[1], Y.shape[1], options.start_width
    spread = np.maximum(A.std(axis=0), 1e-3 * (A.std() or 1.0))
    hidden = rng.standard_normal((m, d)) / spread / d**0.5
    # Hyperplanes through random samples, so that every neuron divides them.
    offsets = -(hidden * A[rng.integers(len(A), size=m)]).sum(axis=1) if options.bias else np.zeros(m)
    output = rng.standard_normal((c, m)) / m
    start = DeepReLUNetwork(((hidden, offsets), (output, np.zeros(c))))
    task = Task(A, Y, beta, options.norm, options.bias, options.loss, options.weight)
    return fine_tuned(start, task, max_iter=_LOCAL, clock=clock).to_shallow()


def _strongest(network: ReLUNetwork, norm: Norm, width: int | None) -> tuple[Floats, Floats]:
    """Hidden weights and biases of the neurons that matter most, in their old order."""
    strength = row_norms(network.hidden_weights, norm) * row_norms(network.output_weights, norm)
    keep = np.sort(np.argsort(-strength, kind="stable")[:width])
    return network.hidden_weights[keep], network.hidden_biases[keep]


def _stacked(layers: list[tuple[Floats, Floats]], last: ReLUNetwork) -> DeepReLUNetwork:
    return DeepReLUNetwork((*layers, *DeepReLUNetwork.from_shallow(last).layers))


def _tuned(
    network: DeepReLUNetwork, X: Floats, Y: Floats, options: BlockOptions, beta: float, iterations: int
) -> tuple[DeepReLUNetwork, TrainingResult | None]:
    """Move all layers, solve for the last one, train the last block again; None where nothing was gained."""
    task = Task(X, Y, beta, options.norm, options.bias, options.loss, options.weight)
    start = reoptimised(network, task)
    moved = reoptimised(fine_tuned(start, task, max_iter=iterations, clock=options.clock.part(0.5)), task)
    if task.objective(moved) >= task.objective(network):
        return network, None
    (weight, bias), (output, intercept) = moved.layers[-2:]
    A = X if moved.n_layers == 2 else np.ascontiguousarray(moved.activations(X)[-2])
    session = _session(A, Y, options)
    session.start_from(ReLUNetwork(weight, bias, output.T, intercept))
    last = session.solve(
        beta, tol=options.tol, max_iter=options.max_iter, clock=options.clock, observer=options.observer
    )
    return _stacked(list(moved.layers[:-2]), last.network), last
