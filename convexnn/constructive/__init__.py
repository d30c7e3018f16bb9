"""Networks that are written down instead of trained (Chen & Munoz Ewald), shallow and deep, and their bounds.

Public functions take samples as rows (N, M) and labels (N,).
"""

from convexnn.constructive.bounds import Bound, bounds
from convexnn.constructive.clamp import ClampConstruction, clamp_construct
from convexnn.constructive.classes import ClassData, class_data
from convexnn.constructive.configurations import Configuration, configuration, configurations
from convexnn.constructive.construction import DeepConstruction
from convexnn.constructive.crossval import cross_validate
from convexnn.constructive.cumulative import cumulative_parameters, layer_parameters
from convexnn.constructive.deep import deep_construct
from convexnn.constructive.descent import cost_gradient, gradient_descent, refit
from convexnn.constructive.metric import ShallowMetric, shallow_metric
from convexnn.constructive.mixtures import gaussian_mixture, mixture_experiment
from convexnn.constructive.optimum import (
    LinearOptimum,
    LinearRegime,
    affine_least_squares,
    linear_optimum,
    linear_regime,
)
from convexnn.constructive.orderings import CrossValidation
from convexnn.constructive.search import TruncationSearch, best_truncation
from convexnn.constructive.separable import sequential_construct, sequential_order
from convexnn.constructive.shallow import ShallowConstruction, shallow_affine, shallow_construct
from convexnn.constructive.truncation import rank_report, truncate, truncation_optimum

__all__ = [
    "Bound",
    "ClampConstruction",
    "ClassData",
    "Configuration",
    "CrossValidation",
    "DeepConstruction",
    "LinearOptimum",
    "LinearRegime",
    "ShallowConstruction",
    "ShallowMetric",
    "TruncationSearch",
    "affine_least_squares",
    "best_truncation",
    "bounds",
    "clamp_construct",
    "class_data",
    "configuration",
    "configurations",
    "cost_gradient",
    "cross_validate",
    "cumulative_parameters",
    "deep_construct",
    "gaussian_mixture",
    "gradient_descent",
    "layer_parameters",
    "linear_optimum",
    "linear_regime",
    "mixture_experiment",
    "rank_report",
    "refit",
    "sequential_construct",
    "sequential_order",
    "shallow_affine",
    "shallow_construct",
    "shallow_metric",
    "truncate",
    "truncation_optimum",
]
