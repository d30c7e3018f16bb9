"""Convex against non-convex training: the local methods people use, on the same objective."""

from convexnn.compare.local import LOCAL_METHODS, LocalRun, local_restarts, train_local
from convexnn.compare.methods import METHODS, Run
from convexnn.compare.page import write_json, write_page
from convexnn.compare.runs import Comparison, run
from convexnn.compare.task import Task, load_data, make_task

__all__ = [
    "LOCAL_METHODS",
    "METHODS",
    "Comparison",
    "LocalRun",
    "Run",
    "Task",
    "load_data",
    "local_restarts",
    "make_task",
    "run",
    "train_local",
    "write_json",
    "write_page",
]
