"""Train ReLU networks by convex optimisation, and prove how good the result is."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public names and where they live; imported on first use (PEP 562) to keep the import fast.
_PUBLIC = {
    "Atoms": "convexnn.dictionaries",
    "Certificate": "convexnn.certificate",
    "ConstructiveClassifier": "convexnn.estimators",
    "ConvexReLUClassifier": "convexnn.estimators",
    "ConvexReLUClassifierCV": "convexnn.estimators",
    "ConvexReLURegressor": "convexnn.estimators",
    "ConvexReLURegressorCV": "convexnn.estimators",
    "DeepConvexReLUClassifier": "convexnn.estimators",
    "DeepConvexReLURegressor": "convexnn.estimators",
    "DeepReLUNetwork": "convexnn.network",
    "Dictionary": "convexnn.dictionaries",
    "ReLUNetwork": "convexnn.network",
    "TrainingResult": "convexnn.training",
    "WedgeFeatures": "convexnn.estimators",
    "beta_max": "convexnn.training",
    "certify": "convexnn.certificate",
    "convex_relu_path": "convexnn.estimators",
    "dictionary": "convexnn.dictionaries",
    "explain": "convexnn.refine",
    "polish": "convexnn.refine",
    "read_network": "convexnn.refine",
    "rebuild_blocks": "convexnn.refine",
    "solve_path": "convexnn.training",
    "thin": "convexnn.refine",
    "to_cvxpy": "convexnn.training",
    "train": "convexnn.training",
    "verify": "convexnn.certificate",
    "write_network": "convexnn.refine",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'convexnn' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
