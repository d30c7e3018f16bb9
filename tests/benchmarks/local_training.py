"""Local training as strong as people make it: the competitors of ``any_dimension.py``, timed in processor seconds.

Adam on all data is started with three steps and three seeds at two widths for a short time; the best few go on until
they stall, with the step divided by ten at each stall. L-BFGS runs from five seeds at both widths until it stops by
itself. Wide networks that are cut off before that can go on, see `longer`. Processor seconds (one BLAS thread) do not
depend on what else the machine does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

from convexnn.compare.objective import Objective
from convexnn.compare.task import Task
from convexnn.losses import LOSSES
from convexnn.network import ReLUNetwork

WIDTHS = (100, 1000)
STEPS = (1e-2, 3e-3, 1e-3)
ADAM_SEEDS, LBFGS_SEEDS = 3, 5
# Seconds of a first look at one Adam run of a width, how many go on, and the longest run of a width.
LOOK, FINALISTS = {100: 2.0, 1000: 4.0}, 3
LONGEST = {100: 20.0, 1000: 25.0}
# Seconds for runs at the larger width where `longer` is asked for.
PATIENT = 120.0
# A run has stalled if a fifth of its iterations gained less than this share.
STALL = 2e-5


@dataclass
class Run:
    """One run: what it is called, where it is, what it has cost."""

    method: str
    width: int
    step: float
    seed: int
    objective: float = np.inf
    seconds: float = 0.0
    stalled: bool = False
    theta: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def record(self, task: Task) -> dict[str, object]:
        """Plain numbers, measured on the network itself."""
        network = network_of(task, self.theta, self.width)
        strength = np.linalg.norm(network.hidden_weights, axis=1) * np.linalg.norm(network.output_weights, axis=1)
        return {
            "method": self.method, "width": self.width, "step": self.step, "seed": self.seed,
            "objective": network.objective(task.X, task.y, **task.problem), "seconds": self.seconds,
            "stalled": self.stalled, "neurons": int((strength > 1e-6 * strength.max(initial=0.0)).sum()),
            "test": task.score(network.outputs(task.X_test), test=True),
        }  # fmt: skip


def model_of(task: Task, width: int) -> Objective:
    return Objective(task.X, LOSSES[task.loss](task.y), task.beta, task.norm, free=task.bias is True, width=width)


def network_of(task: Task, theta: np.ndarray, width: int) -> ReLUNetwork:
    return ReLUNetwork(*model_of(task, width).unpack(theta)).rescaled(task.norm, task.bias)


class Adam:
    """Adam that can be paused; the step falls tenfold at a stall, and the third stall ends the run."""

    def __init__(self, task: Task, width: int, step: float, seed: int) -> None:
        self.run = Run("adam", width, step, seed)
        self.model = model_of(task, width)
        self.theta = self.model.start(np.random.default_rng(seed))
        self.first, self.second = np.zeros_like(self.theta), np.zeros_like(self.theta)
        self.rate, self.k, self.decays, self.since = step, 0, 0, 0
        self.values: list[float] = []

    def go(self, limit: float) -> Run:
        """Continue until `limit` processor seconds in total, or until stalled."""
        begin, before = time.process_time(), self.run.seconds
        while not self.run.stalled and self.run.seconds < limit:
            value, gradient = self.model.value_and_gradient(self.theta)
            if value < self.run.objective:
                self.run.objective, self.run.theta = value, self.theta.copy()
            self.values.append(self.run.objective)
            self.k += 1
            self.first += 0.1 * (gradient - self.first)
            self.second += 0.001 * (gradient * gradient - self.second)
            scale = np.sqrt(self.second / (1 - 0.999**self.k)) + 1e-12
            self.theta = self.theta - self.rate * (self.first / (1 - 0.9**self.k)) / scale
            self._watch()
            self.run.seconds = before + time.process_time() - begin
        return self.run

    def _watch(self) -> None:
        window = max(100, (self.k - self.since) // 5)
        if self.k - self.since < 2 * window:
            return
        gained = self.values[-window] - self.values[-1]
        if gained > STALL * abs(self.values[-1]):
            return
        self.rate, self.decays, self.since = self.rate / 10, self.decays + 1, self.k
        self.run.stalled = self.decays == 3
        self.theta = self.run.theta.copy()


class _Over(Exception):
    pass


def lbfgs(task: Task, width: int, seed: int, limit: float) -> Run:
    """L-BFGS until it stops by itself or the time is over."""
    run, model = Run("lbfgs", width, 0.0, seed, stalled=True), model_of(task, width)
    begin = time.process_time()

    def value(theta: np.ndarray) -> tuple[float, np.ndarray]:
        objective, gradient = model.value_and_gradient(theta)
        if objective < run.objective:
            run.objective, run.theta = objective, theta.copy()
        if time.process_time() - begin > limit:
            run.stalled = False
            raise _Over
        return objective, gradient

    try:
        minimize(
            value, model.start(np.random.default_rng(seed)), jac=True, method="L-BFGS-B",
            options={"maxiter": 10**6, "maxfun": 10**7, "ftol": 1e-9, "gtol": 1e-9},
        )  # fmt: skip
    except _Over:
        run.stalled = False
    run.seconds = time.process_time() - begin
    return run


def all_runs(task: Task) -> list[dict[str, object]]:
    """Every competitor on one task."""
    adams = [
        Adam(task, width, step, seed) for width in WIDTHS for step in STEPS for seed in range(ADAM_SEEDS)
    ]  # fmt: skip
    for adam in adams:
        adam.go(LOOK[adam.run.width])
    for adam in sorted(adams, key=lambda a: a.run.objective)[:FINALISTS]:
        adam.go(LONGEST[adam.run.width])
    runs = [adam.run for adam in adams]
    runs += [lbfgs(task, width, seed, LONGEST[width]) for width in WIDTHS for seed in range(LBFGS_SEEDS)]
    return [run.record(task) for run in runs]


def longer(task: Task, runs: list[dict]) -> list[dict[str, object]]:
    """The widest networks again, until they stall or PATIENT seconds are over: Adam at every step, and L-BFGS.

    From the seed that was best among `runs`, the first one where they hold no such run.
    """
    found = []
    for method, step in (*(("adam", step) for step in STEPS), ("lbfgs", 0.0)):
        first = {"method": method, "width": WIDTHS[-1], "step": step, "seed": 0}
        alike = [run for run in runs if all(run[key] == first[key] for key in ("method", "width", "step"))]
        found.append(repeat(task, min(alike, key=lambda run: run["objective"], default=first), PATIENT))
    return found


def repeat(task: Task, record: dict, limit: float | None = None) -> dict[str, object]:
    """The same run again, for longer or to time it beside something else."""
    limit = LONGEST[record["width"]] if limit is None else limit
    if record["method"] == "lbfgs":
        return lbfgs(task, record["width"], record["seed"], limit).record(task)
    adam = Adam(task, record["width"], record["step"], record["seed"])
    return adam.go(limit).record(task)
