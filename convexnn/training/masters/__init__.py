"""Masters: exact solvers of the problem restricted to a working set of atoms."""

from convexnn.training.masters.base import ColumnMaster, Master, MasterState
from convexnn.training.masters.choose import SOLVERS, amplitude_master, make_master, search_master

__all__ = ["SOLVERS", "ColumnMaster", "Master", "MasterState", "amplitude_master", "make_master", "search_master"]
