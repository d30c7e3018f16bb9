"""Names for the array types used in annotations."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
ArrayLike: TypeAlias = Any

Norm: TypeAlias = Literal["l1", "l2"]
Bias: TypeAlias = Literal[True, False, "penalized"]
