"""Neurons that move inside the faces of the arrangement: the exact l2 problem over all neurons."""
