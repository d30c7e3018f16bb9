"""Small random training problems of every loss, norm, bias and pattern of weights, with what training proved."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from convexnn import TrainingResult, beta_max, train
from convexnn.exceptions import InfeasibleError

NAMES = ("squared_error", "huber(0.5)", "quantile(0.3)", "poisson", "squared_hinge", "hinge", "log_loss",
         "log_loss rows", "log_loss_multilabel", "interpolation")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A problem, `kind` being the keywords of train and certify apart from beta."""

    X: Any
    y: Any
    beta: float
    kind: dict[str, Any]

    @property
    def weight(self):
        return self.kind["sample_weight"]

    def solve(self) -> TrainingResult | None:
        """What training returns with an exact proof: over wedges where all networks can only be searched."""
        result = self.train()
        if result is None or result.certificate.method == "exact":
            return result
        assert self.kind["norm"] == "l2"
        assert self.X.shape[1] + (self.kind["bias"] == "penalized") >= 3
        return self.train(scope="dictionary")

    def train(self, scope="network") -> TrainingResult | None:
        """What training returns; None if there is nothing to interpolate with."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return train(self.X, self.y, beta=self.beta, scope=scope, **self.kind)
            except InfeasibleError:
                return None


def targets(name, X, rng):
    """Targets that suit a loss; every class is there."""
    classes = np.append([0, 1, 2], rng.integers(0, 3, len(X)))[: len(X)]
    signs = np.where(np.eye(3)[classes] > 0, 1.0, -1.0)
    if name in ("squared_error", "huber(0.5)", "quantile(0.3)", "interpolation"):
        return rng.standard_normal(len(X) if rng.random() < 0.7 else (len(X), 2))
    if name == "poisson":
        return classes.astype(float)
    return {"log_loss rows": np.eye(3)[classes], "log_loss_multilabel": signs}.get(name, signs[:, 0])


def make_case(name, rng, *, norm=None, bias=None, sizes=(11, 10, 7)) -> Case:
    """A random problem with a loss of NAMES; `sizes` are the most samples in 1, 2 and 3 dimensions."""
    d = int(rng.integers(1, len(sizes) + 1))
    n = int(rng.integers(4, sizes[d - 1] + 1))
    whole = name != "interpolation" and rng.random() < 0.3
    X = rng.integers(-3, 4, (n, d)).astype(float) if whole else rng.standard_normal((n, d))
    y = targets(name, X, rng)
    # The first samples keep their weight: they hold every class.
    some = np.where((np.arange(n) % 3 == 0) & (np.arange(n) > 2), 0.0, 1.0)
    weight = (None, rng.uniform(0.1, 3.0, n), some, some * rng.uniform(0.1, 3.0, n))[rng.integers(4)]
    kind = {
        "norm": norm or ("l1", "l2")[rng.integers(2)],
        "bias": (True, False, "penalized")[rng.integers(3)] if bias is None else bias,
        "loss": {"log_loss rows": "log_loss", "interpolation": "squared_error"}.get(name, name),
        "sample_weight": weight,
    }
    if name == "interpolation":
        return Case(X, y, 0.0, {**kind, "bias": True})
    share = float(rng.choice([1.5, 1.0, 0.3, 0.1, 0.03]))
    return Case(X, y, share * (beta_max(X, y, **kind) or 1.0), kind)
