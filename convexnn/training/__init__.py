"""Training: the Lasso over hyperplanes, solved by column generation."""

from convexnn.training.result import TrainingResult
from convexnn.training.status import Status
from convexnn.training.train import beta_max, train

__all__ = ["Status", "TrainingResult", "beta_max", "train"]
