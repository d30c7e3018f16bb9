"""Two-layer ReLU networks as values: evaluation, objective, scaling, pruning, files."""

from convexnn.network.deep import DeepReLUNetwork
from convexnn.network.prune import basic_solution, merge_neurons
from convexnn.network.relu import ReLUNetwork

__all__ = ["DeepReLUNetwork", "ReLUNetwork", "basic_solution", "merge_neurons"]
