#!/usr/bin/env bash
# Run the kernel tests under the address and undefined-behaviour sanitizers of GCC.
#
#     tests/sanitize.sh [pytest arguments]        PYTHON=python3 by default
#
# Needs what building and testing need (nanobind, scikit-build-core, pytest). Works on a copy of the checkout with
# its own build of the extension in a temporary folder; the installed package is not touched.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/copy" "$work/run" "$work/site"
cp -r "$root"/{pyproject.toml,README.md,LICENSE,convexnn,solvers,datasets,tests} "$work/copy"

"$python" -m pip install -q --no-build-isolation --no-deps --target "$work/site" \
  -C build-dir="$work/build" -C cmake.define.CONVEXNN_SANITIZE=ON -C cmake.build-type=RelWithDebInfo "$work/copy"
# An editable install of the package would be found first, by its import hook.
cat > "$work/site/sitecustomize.py" <<'PYTHON'
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
PYTHON

mv "$work/copy/tests" "$work/copy/pyproject.toml" "$work/run"
if [ $# -eq 0 ]; then
  set -- tests/unit/oracles tests/unit/restricted/test_active_set_kernel.py tests/unit/dictionaries/test_wedge_kernel.py \
    tests/unit/search/test_forward_backward.py tests/unit/search/test_lbfgs.py tests/unit/restricted/test_newton_kernel.py
fi
cd "$work/run"
# The interpreter itself never frees some memory, so leaks are out of scope. The runtimes must be loaded first, and
# the C++ library with them, or exceptions cannot be followed.
runtime() { realpath "$(gcc -print-file-name="$1")"; }
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export PYTHONPATH="$work/site" PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
LD_PRELOAD="$(runtime libasan.so) $(runtime libubsan.so) $(runtime libstdc++.so)" "$python" - "$@" <<'PYTHON'
import sys

import pytest

import convexnn._core

where = convexnn._core.__file__
maps = open("/proc/self/maps").read()
assert sys.path[1] in where or where.startswith(sys.path[1]), f"the wrong build was imported: {where}"
assert "libasan" in maps and "libubsan" in maps, "the sanitizers are not loaded"
print("kernels:", where)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
PYTHON
