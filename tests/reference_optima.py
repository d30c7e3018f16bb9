"""Reference optima of small problems, computed once by an independent program; tests/data/README.md says how."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["OPTIMA"]

OPTIMA: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "small_optima.json").read_text("utf-8"))
