"""scikit-learn estimators that train to a certified optimum."""

from convexnn.estimators.additive import AdditiveReLUClassifier, AdditiveReLURegressor
from convexnn.estimators.classifier import ConvexReLUClassifier
from convexnn.estimators.constructive import ConstructiveClassifier
from convexnn.estimators.cross_validation import ConvexReLUClassifierCV, ConvexReLURegressorCV
from convexnn.estimators.deep_classifier import DeepConvexReLUClassifier
from convexnn.estimators.deep_regressor import DeepConvexReLURegressor
from convexnn.estimators.features import WedgeFeatures
from convexnn.estimators.path import convex_relu_path
from convexnn.estimators.regressor import ConvexReLURegressor
from convexnn.estimators.warnings import GapWarning

__all__ = [
    "AdditiveReLUClassifier",
    "AdditiveReLURegressor",
    "ConstructiveClassifier",
    "ConvexReLUClassifier",
    "ConvexReLUClassifierCV",
    "ConvexReLURegressor",
    "ConvexReLURegressorCV",
    "DeepConvexReLUClassifier",
    "DeepConvexReLURegressor",
    "GapWarning",
    "WedgeFeatures",
    "convex_relu_path",
]
