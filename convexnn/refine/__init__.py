"""Networks that exist already: polish them, explain their neurons, rebuild their blocks, train deep ones by blocks."""

from convexnn.refine.objective import balanced, deep_objective, half_decay
from convexnn.refine.polish import polish
from convexnn.refine.polished import Polished
from convexnn.refine.readers import read_network, write_network

__all__ = ["Polished", "balanced", "deep_objective", "half_decay", "polish", "read_network", "write_network"]
