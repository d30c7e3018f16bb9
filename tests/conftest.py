"""Settings of the whole test run."""

from __future__ import annotations

import os

# Hundreds of small problems in two workers: one BLAS thread each is faster and repeatable.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")
