"""Upper bounds of the largest response of any neuron: engines that propose and are never trusted."""
