"""Another convex method, where it is installed: scnn (package pyscnn) optimises over random activation patterns."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np

from convexnn._types import Floats
from convexnn.compare.task import Task
from convexnn.network import ReLUNetwork

__all__ = ["train_scnn", "why_not_scnn"]

_PROBE = 20
# scnn counts primal iterations over all dual steps, so that this is no limit.
_DUAL = 1_000_000


def why_not_scnn(task: Task) -> str:
    """Why scnn does not solve a task, or an empty text."""
    if task.loss != "squared_error" or task.norm != "l2" or task.bias is True:
        return "scnn has squared loss, l2, and no bias or a penalized one"
    if find_spec("scnn") is None:
        return "scnn is not installed (the package is called pyscnn)"
    return ""


def train_scnn(task: Task, seed: int, width: int, time_limit: float) -> tuple[ReLUNetwork, str]:
    """Network of the augmented Lagrangian of scnn, with best scaling, and a note.

    scnn minimises 1 / (2 n c) ||f - y||^2 + lambda sum ||u||, so its lambda is beta / (n c); a penalized bias is the
    weight of a constant feature. A pattern gives up to two neurons. There is no time limit in scnn: a few iterations
    tell how many fit.
    """
    rows = np.hstack([task.X, np.ones((len(task.X), 1))]) if task.bias == "penalized" else np.array(task.X)
    begin = time.perf_counter()
    _augmented_lagrangian(task, rows, seed, width, _PROBE)
    elapsed = time.perf_counter() - begin
    n_iter = max(_PROBE, int(_PROBE * (time_limit - elapsed) / max(elapsed, 1e-4)))
    hidden, output = _augmented_lagrangian(task, rows, seed, width, n_iter)
    note = f"at most {n_iter} iterations on {max(1, width // 2)} random activation patterns"
    if task.y.shape[1] > 1:
        note += "; each neuron serves one output"
    biases = hidden[:, -1] if task.bias == "penalized" else np.zeros(len(hidden))
    network = ReLUNetwork(hidden[:, : task.X.shape[1]], biases, output, np.zeros(task.y.shape[1]))
    return network.rescaled(task.norm, task.bias), note


def _augmented_lagrangian(task: Task, rows: Floats, seed: int, width: int, n_iter: int) -> tuple[Floats, Floats]:
    """Hidden weights (m, d) and output weights (m, c)."""
    from scnn.activations import sample_gate_vectors
    from scnn.metrics import Metrics
    from scnn.models import ConvexReLU
    from scnn.optimize import optimize_model
    from scnn.regularizers import NeuronGL1
    from scnn.solvers import AL

    targets = np.array(task.y)
    gates = sample_gate_vectors(seed, rows.shape[1], max(1, width // 2))
    model = ConvexReLU(gates, c=targets.shape[1])
    with _undisturbed():
        found, _ = optimize_model(
            model,
            AL(model, max_primal_iters=n_iter, max_dual_iters=_DUAL),
            Metrics(),
            rows,
            targets,
            regularizer=NeuronGL1(task.beta / targets.size),
            unitize_data=False,
            dtype="float64",
            seed=seed,
        )
    hidden, output = (np.asarray(part, dtype=np.float64) for part in found.parameters)
    return hidden, np.ascontiguousarray(output.T)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Undo what scnn does to the whole process: logging, and the seeds of NumPy and PyTorch."""
    import torch

    root, own = logging.getLogger(), logging.getLogger("scnn")
    level, disabled, handlers = root.level, own.disabled, list(root.handlers)
    state = np.random.get_state()  # noqa: NPY002
    own.disabled = True
    try:
        # It divides by the norms of unused neurons, and means to.
        with torch.random.fork_rng(devices=[]), np.errstate(divide="ignore", invalid="ignore"):
            yield
    finally:
        own.disabled = disabled
        root.setLevel(level)
        root.handlers[:] = handlers
        np.random.set_state(state)  # noqa: NPY002
