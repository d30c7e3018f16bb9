"""Networks that exist already: polish, prune and explain them, rebuild their blocks, train deep ones by blocks."""

from typing import Any

from convexnn._deprecated import renamed
from convexnn.refine.blocks import BlockReport, Rebuilt, rebuild_blocks
from convexnn.refine.explain import Explanation, explain
from convexnn.refine.layerwise import Layerwise, train_layerwise
from convexnn.refine.neurons import NeuronReport
from convexnn.refine.objective import balanced, deep_objective, half_decay
from convexnn.refine.polish import polish
from convexnn.refine.polished import Polished
from convexnn.refine.pruning import prune
from convexnn.refine.readers import from_module, to_module
from convexnn.refine.scale import ScaleReport, compare_scales, scale_report
from convexnn.refine.terms import LocalExplanation, Terms, additive_terms
from convexnn.refine.wedges import WedgeFinder

__all__ = [
    "BlockReport",
    "Explanation",
    "Layerwise",
    "LocalExplanation",
    "NeuronReport",
    "Polished",
    "Rebuilt",
    "ScaleReport",
    "Terms",
    "WedgeFinder",
    "additive_terms",
    "balanced",
    "compare_scales",
    "deep_objective",
    "explain",
    "from_module",
    "half_decay",
    "polish",
    "prune",
    "rebuild_blocks",
    "scale_report",
    "to_module",
    "train_layerwise",
]

_RENAMED = {"read_network": "from_module", "thin": "prune", "write_network": "to_module"}


def __getattr__(name: str) -> Any:
    return renamed(__name__, name, _RENAMED)
