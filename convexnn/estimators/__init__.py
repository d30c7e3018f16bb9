"""scikit-learn estimators that train to a certified optimum."""

from convexnn.estimators.classifier import ConvexReLUClassifier
from convexnn.estimators.constructive import ConstructiveClassifier
from convexnn.estimators.deep import DeepConvexReLUClassifier, DeepConvexReLURegressor
from convexnn.estimators.regressor import ConvexReLURegressor
from convexnn.estimators.warnings import GapWarning

__all__ = [
    "ConstructiveClassifier",
    "ConvexReLUClassifier",
    "ConvexReLURegressor",
    "DeepConvexReLUClassifier",
    "DeepConvexReLURegressor",
    "GapWarning",
]
