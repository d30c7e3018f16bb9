"""Kill an export at random points, resume, and compare every file with an export that ran through.

python tests/benchmarks/export_resume.py [trials]
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CODE = """
import sys, numpy as np
from convexnn.export import export_dictionary
X = np.random.default_rng(0).normal(size=(220, 2))
export_dictionary(X, sys.argv[1], matrix=sys.argv[2], block=500)
"""


def digest(folder: Path) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def start(folder: Path, matrix: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CODE, folder, matrix])


def main(trials: int) -> None:
    rng = np.random.default_rng(1)
    same = kills = 0
    with tempfile.TemporaryDirectory() as temporary:
        root, whole, seconds = Path(temporary), {}, {}
        for matrix in ("npy", "npz", "safetensors"):
            begin = time.perf_counter()
            start(root / matrix, matrix).wait()
            whole[matrix], seconds[matrix] = digest(root / matrix), time.perf_counter() - begin
        for trial in range(trials):
            matrix = ("npy", "npz", "safetensors")[trial % 3]
            cut = root / f"cut{trial}"
            while True:
                process = start(cut, matrix)
                try:
                    process.wait(timeout=rng.uniform(0.3, 1.1) * seconds[matrix])
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    kills += 1
            same += digest(cut) == whole[matrix]
    print(f"{same} of {trials} trials gave the same files after {kills} kills; one export takes {seconds}")
    sys.exit(same != trials)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
