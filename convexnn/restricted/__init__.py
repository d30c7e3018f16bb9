"""Restricted solvers: the training problem over a fixed, small set of neurons, solved to the last digit."""

from convexnn.restricted.base import ColumnSolver, RestrictedSolver, RestrictedState
from convexnn.restricted.choose import SOLVERS, make_length_solver, make_search_solver, make_solver

__all__ = [
    "SOLVERS",
    "ColumnSolver",
    "RestrictedSolver",
    "RestrictedState",
    "make_length_solver",
    "make_search_solver",
    "make_solver",
]
