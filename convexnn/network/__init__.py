"""ReLU networks as values: evaluation, objective and gradient, scaling, pruning, files."""

from convexnn.network.activation import RELU, Activation
from convexnn.network.deep import DeepReLUNetwork
from convexnn.network.prune import basic_solution, merge_neurons
from convexnn.network.relu import ReLUNetwork

__all__ = ["RELU", "Activation", "DeepReLUNetwork", "ReLUNetwork", "basic_solution", "merge_neurons"]
