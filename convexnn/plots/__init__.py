"""Pictures of networks, certificates and comparisons (matplotlib, imported on use)."""

from convexnn.plots.atoms import AtomsDisplay
from convexnn.plots.decision import DecisionDisplay
from convexnn.plots.dispersion import DispersionDisplay
from convexnn.plots.dual import DualDisplay
from convexnn.plots.explanation import ExplanationDisplay
from convexnn.plots.gap import GapDisplay
from convexnn.plots.line import LineDisplay
from convexnn.plots.model_page import write_model_page
from convexnn.plots.neurons import NeuronsDisplay
from convexnn.plots.path import PathDisplay
from convexnn.plots.planar import PlanarDisplay
from convexnn.plots.restarts import RestartsDisplay
from convexnn.plots.terms import ImportanceDisplay, InteractionDisplay, ShapeDisplay
from convexnn.plots.truncation import TruncationDisplay
from convexnn.plots.wedges import WedgeDisplay

__all__ = [
    "AtomsDisplay",
    "DecisionDisplay",
    "DispersionDisplay",
    "DualDisplay",
    "ExplanationDisplay",
    "GapDisplay",
    "ImportanceDisplay",
    "InteractionDisplay",
    "LineDisplay",
    "NeuronsDisplay",
    "PathDisplay",
    "PlanarDisplay",
    "RestartsDisplay",
    "ShapeDisplay",
    "TruncationDisplay",
    "WedgeDisplay",
    "write_model_page",
]
