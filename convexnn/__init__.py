"""Train ReLU networks by convex optimisation, and prove how good the result is.

- With scikit-learn: ``ConvexReLURegressor``, ``ConvexReLUClassifier``, both with ``CV`` (penalty by cross-validation),
  ``AdditiveReLURegressor`` and ``AdditiveReLUClassifier`` (sums of terms), ``DeepConvexReLURegressor`` and
  ``DeepConvexReLUClassifier`` (several layers), ``ConstructiveClassifier``, ``WedgeFeatures``, ``convex_relu_path``.
- As functions: ``train``, ``solve_path``, ``beta_max``; they return a ``TrainingResult`` with a ``ReLUNetwork``.
- Proofs: ``certify`` from the data alone, ``verify`` of a ``Certificate``.
- Networks that exist already: ``from_module``, ``to_module``, ``polish``, ``prune``, ``rebuild_blocks``, ``explain``.
- Candidate neurons: ``dictionary`` with ``Dictionary`` and ``Atoms``; ``to_cvxpy``.
- Tables: ``convexnn.data.TableRecipe``. Files: ``convexnn.export``. Pictures: ``convexnn.plots``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The same names for type checkers, which do not see what is imported on first use.
    from convexnn.certificate import (
        Certificate as Certificate,
        certify as certify,
        verify as verify,
    )
    from convexnn.certificate.lower_bound import (
        beta_max_bound as beta_max_bound,
        lower_bound as lower_bound,
    )
    from convexnn.dictionaries import (
        Atoms as Atoms,
        Dictionary as Dictionary,
    )
    from convexnn.dictionaries.dictionary import dictionary as dictionary
    from convexnn.estimators import (
        AdditiveReLUClassifier as AdditiveReLUClassifier,
        AdditiveReLURegressor as AdditiveReLURegressor,
        ConstructiveClassifier as ConstructiveClassifier,
        ConvexReLUClassifier as ConvexReLUClassifier,
        ConvexReLUClassifierCV as ConvexReLUClassifierCV,
        ConvexReLURegressor as ConvexReLURegressor,
        ConvexReLURegressorCV as ConvexReLURegressorCV,
        DeepConvexReLUClassifier as DeepConvexReLUClassifier,
        DeepConvexReLURegressor as DeepConvexReLURegressor,
        WedgeFeatures as WedgeFeatures,
        convex_relu_path as convex_relu_path,
    )
    from convexnn.network import (
        DeepReLUNetwork as DeepReLUNetwork,
        ReLUNetwork as ReLUNetwork,
    )
    from convexnn.refine import (
        from_module as from_module,
        prune as prune,
        rebuild_blocks as rebuild_blocks,
        to_module as to_module,
    )
    from convexnn.refine.explain import explain as explain
    from convexnn.refine.polish import polish as polish
    from convexnn.training import (
        TrainingResult as TrainingResult,
        beta_max as beta_max,
        solve_path as solve_path,
        to_cvxpy as to_cvxpy,
    )
    from convexnn.training.train import train as train

# The one place of the version; the build reads it here.
__version__ = "0.2.0"

# Public names and where they live; imported on first use (PEP 562) to keep the import fast.
_PUBLIC = {
    "AdditiveReLUClassifier": "convexnn.estimators",
    "AdditiveReLURegressor": "convexnn.estimators",
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
    "beta_max_bound": "convexnn.certificate.lower_bound",
    "certify": "convexnn.certificate",
    "convex_relu_path": "convexnn.estimators",
    "dictionary": "convexnn.dictionaries",
    "explain": "convexnn.refine",
    "from_module": "convexnn.refine",
    "lower_bound": "convexnn.certificate.lower_bound",
    "polish": "convexnn.refine",
    "prune": "convexnn.refine",
    "rebuild_blocks": "convexnn.refine",
    "solve_path": "convexnn.training",
    "to_cvxpy": "convexnn.training",
    "to_module": "convexnn.refine",
    "train": "convexnn.training",
    "verify": "convexnn.certificate",
}
# Names of 0.1 that are called otherwise now.
_RENAMED = {"read_network": "from_module", "thin": "prune", "write_network": "to_module"}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        from convexnn._deprecated import renamed

        return renamed(__name__, name, _RENAMED)
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
