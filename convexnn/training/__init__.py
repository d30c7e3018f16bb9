"""Training: the Lasso over hyperplanes, solved by column generation."""

from convexnn.restricted.parameters import FaceParams, NewtonParams
from convexnn.restricted.status import Status
from convexnn.search.parameters import SearchParams
from convexnn.training.modelling import to_cvxpy
from convexnn.training.parameters import ExactParams
from convexnn.training.path import Path, beta_grid, solve_path
from convexnn.training.result import TrainingResult
from convexnn.training.train import beta_max, train

__all__ = [
    "ExactParams",
    "FaceParams",
    "NewtonParams",
    "Path",
    "SearchParams",
    "Status",
    "TrainingResult",
    "beta_grid",
    "beta_max",
    "solve_path",
    "to_cvxpy",
    "train",
]
