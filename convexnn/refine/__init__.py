"""Networks that exist already: polish, thin and explain them, rebuild their blocks, train deep ones by blocks."""

from convexnn.refine.blocks import BlockReport, Rebuilt, rebuild_blocks
from convexnn.refine.explain import Explanation, explain
from convexnn.refine.layerwise import Layerwise, train_layerwise
from convexnn.refine.neurons import NeuronReport
from convexnn.refine.objective import balanced, deep_objective, half_decay
from convexnn.refine.polish import polish
from convexnn.refine.polished import Polished
from convexnn.refine.readers import read_network, write_network
from convexnn.refine.scale import ScaleReport, compare_scales, scale_report
from convexnn.refine.thin import thin
from convexnn.refine.wedges import WedgeFinder

__all__ = [
    "BlockReport",
    "Explanation",
    "Layerwise",
    "NeuronReport",
    "Polished",
    "Rebuilt",
    "ScaleReport",
    "WedgeFinder",
    "balanced",
    "compare_scales",
    "deep_objective",
    "explain",
    "half_decay",
    "polish",
    "read_network",
    "rebuild_blocks",
    "scale_report",
    "thin",
    "train_layerwise",
    "write_network",
]
