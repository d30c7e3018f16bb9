"""scikit-learn estimators that train to a certified optimum."""

from convexnn.estimators.constructive import ConstructiveClassifier
from convexnn.estimators.regressor import ConvexReLURegressor
from convexnn.estimators.warnings import GapWarning

__all__ = ["ConstructiveClassifier", "ConvexReLURegressor", "GapWarning"]
