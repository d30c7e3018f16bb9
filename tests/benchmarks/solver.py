"""The native solver against its targets and against other solvers, all in one run of this script.

    python tests/benchmarks/solver.py [--celer PYTHON] [--out docs/benchmarks.md]

Takes about a quarter of an hour. Our times are medians over five runs; competitors run once, each within a time
limit. Gaps of competitors are recomputed here from their coefficients. `--celer` names an interpreter of an
environment with celer (it is no dependency); without it that row is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

# One BLAS thread for everybody: the matrices here are small, and spinning helpers would disturb what is measured.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

import convexnn  # noqa: E402
from convexnn import beta_max, dictionary, solve_path, train  # noqa: E402
from convexnn._native import core  # noqa: E402
from convexnn.compare import train_local  # noqa: E402
from convexnn.data import make_spiral  # noqa: E402

RUNS = 5


def timed(work, runs=RUNS):
    """Median seconds of `work()` over some runs, and its last result."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return median(seconds), result


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])


def verdict(ok):
    return "yes" if ok else "**no**"


# -- the oracle ------------------------------------------------------------------------------------------------------
def oracle_cost():
    n, rng = 3000, np.random.default_rng(0)
    points, v = rng.normal(size=(n, 2)), rng.normal(size=(n, 1))
    v -= v.mean()
    value, row, normal = np.empty(n), np.empty(n, dtype=np.int64), np.empty((n, 2))
    cost = {}
    for l1, arcs in ((False, False), (True, False), (False, True)):
        oracle = core.PlanarOracle(points, l1, 2**30)
        oracle.price(v, arcs, 1, value, row, normal)  # sorts, and keeps the orders
        for threads in (1, 2):
            wall, processor = [], []
            for _ in range(25):
                start, used = time.perf_counter(), time.thread_time()
                oracle.price(v, arcs, threads, value, row, normal)
                wall.append(time.perf_counter() - start), processor.append(time.thread_time() - used)
            cost[l1, arcs, threads] = min(wall) / (n * (n - 1)) * 1e9
            cost[l1, arcs, f"processor {threads}"] = median(processor) / (n * (n - 1)) * 1e9
    one, two = cost[False, False, 1], cost[False, False, 2]
    used, used_l1, used_arcs = (cost[*kind, "processor 1"] for kind in ((False, False), (True, False), (False, True)))
    return [
        ["oracle, biased 2D, n=3000, one thread", "<= 3 ns per atom",
         f"{used:.2f} ns of processor time, median of 25 (l1: {used_l1:.2f} ns, with arcs: {used_arcs:.2f} ns)",
         verdict(used <= 3.0)],
        ["the same, two threads", ">= 1.7x", f"{one / two:.2f}x (best wall times of 25: {one:.2f} and {two:.2f} ns)",
         verdict(one / two >= 1.7)],
    ]  # fmt: skip


# -- a hard Lasso: ours and others -----------------------------------------------------------------------------------
def explicit_gap(K, y, beta, z):
    """Relative duality gap of coefficients on explicit columns, the intercept optimal."""
    r = y - K @ z
    r -= r.mean()
    primal = 0.5 * r @ r + beta * np.abs(z).sum()
    s = min(1.0, beta / np.abs(K.T @ r).max())
    return float((primal - (s * r @ y - 0.5 * s * s * r @ r)) / primal)


CHILD = """
import json, sys, time
import numpy as np
name, folder, option = sys.argv[1:4]
K, y, beta = (np.load(f"{folder}/{key}.npy") for key in ("K", "y", "beta"))
beta, n = float(beta), len(y)
start = time.perf_counter()
if name == "celer":
    from celer import Lasso
    z = Lasso(alpha=beta / n, tol=float(option), max_iter=1000, max_epochs=50000).fit(K, y).coef_
elif name == "scikit-learn":
    from sklearn.linear_model import Lasso
    z = Lasso(alpha=beta / n, tol=1e-8, max_iter=int(option)).fit(K, y).coef_
else:
    import cvxpy as cp
    z, t = cp.Variable(K.shape[1]), cp.Variable()
    value = 0.5 * cp.sum_squares(y - K @ z - t) + beta * cp.norm1(z)
    cp.Problem(cp.Minimize(value)).solve(solver=name, **json.loads(option))
    z = z.value
np.save(f"{folder}/z.npy", z)
print(json.dumps(time.perf_counter() - start))
"""


def competitor(python, name, option, folder, limit):
    """Seconds and coefficients of another solver in its own process, or None if it passed the limit."""
    try:
        done = subprocess.run([python, "-W", "ignore", "-c", CHILD, name, folder, option], capture_output=True,
                              text=True, timeout=limit)  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-500:]}")
    return json.loads(done.stdout.strip().split("\n")[-1]), np.load(f"{folder}/z.npy")


def hard_lasso(celer, limit):
    X, y = make_spiral(200, random_state=0)
    beta = 1.6e-4 * beta_max(X, y, scope="dictionary")
    seconds, ours = timed(lambda: train(X, y, beta=beta, scope="dictionary", tol=1e-9))
    gap = ours.certificate.relative_gap
    K = dictionary(X, norm="l2", bias=True).matrix()
    lines = [["convexnn, native", f"{seconds:.3f}", f"{gap:.1e}", f"median of {RUNS}"]]
    reached, sign = None, ""
    with tempfile.TemporaryDirectory() as folder:
        for key, value in (("K", np.asfortranarray(K)), ("y", y), ("beta", np.array(beta))):
            np.save(f"{folder}/{key}.npy", value)
        plan = [("scikit-learn", "1000", sys.executable), ("CLARABEL", '{"time_limit": 45}', sys.executable),
                ("SCS", '{"time_limit_secs": 40, "eps_abs": 1e-7, "eps_rel": 1e-7, "max_iters": 1000000}',
                 sys.executable),
                ("ECOS", "{}", sys.executable)]  # fmt: skip
        if celer:
            # Its tolerance is relative to the mean square of y; this one means a relative gap of 1e-3.
            tol = 0.9e-3 * ours.certificate.primal / float(((y - y.mean()) ** 2).sum())
            plan = [("celer", f"{tol:.2e}", celer), *plan]
        for name, option, python in plan:
            print("competitor", name, option, file=sys.stderr, flush=True)
            try:
                answer = competitor(python, name, option, folder, limit if name == "celer" else min(limit, 50.0))
            except RuntimeError as error:
                lines.append([f"{name} {option}", "", "", f"failed: {str(error).strip().splitlines()[-1][:80]}"])
                continue
            label = f"{name} ({option})" if name != "CLARABEL" else "Clarabel"
            if answer is None:
                lines.append([label, "", "", "stopped at the time limit"])
                if name == "celer":
                    reached, sign = limit, "more than "
                continue
            used, z = answer
            g = explicit_gap(K, y, beta, z)
            lines.append([label, f"{used:.1f}", f"{g:.1e}", "explicit columns"])
            if name == "celer" and g <= 1e-3:
                reached = used
    fast = "celer not run" if reached is None else f"{sign}{reached / seconds:.0f}x faster than celer"
    row = ["spiral n=200, l2 dictionary, 1.6e-4 beta_max", "gap <= 1e-9, 300x celer (1e-3)",
           f"gap {gap:.1e} in {seconds:.3f} s; {fast}",
           verdict(gap <= 1e-9 and reached is not None and reached >= 300 * seconds)]  # fmt: skip
    page = f"{K.shape[1]} columns, {K.shape[0]} rows.\n\n" + table(["solver", "seconds", "relative gap", ""], lines)
    return [row], page


# -- large planar problems -------------------------------------------------------------------------------------------
def spiral_child(n, ratio, tol):
    """Train on a spiral in this process and report time, memory, gap."""
    X, y = make_spiral(n, random_state=0)
    beta = ratio * beta_max(X, y, norm="l1")
    start = time.perf_counter()
    result = train(X, y, beta=beta, norm="l1", tol=tol)
    seconds = time.perf_counter() - start
    proof = seconds - result.trace[-1].seconds
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, memory, result.certificate.relative_gap, result.n_iter, proof]))


def in_child(n, ratio, tol, runs):
    code = [sys.executable, __file__, "--spiral", str(n), str(ratio), str(tol)]
    found = []
    for _ in range(runs):
        found.append(json.loads(subprocess.run(code, capture_output=True, text=True, check=True).stdout))
    return [median(column) for column in zip(*found)]


def large_spirals():
    rows, lines = [], []
    sizes, seconds_of, memory_of = (500, 1000, 2000, 4000, 10_000), [], []
    for n in sizes:
        print("spiral", n, file=sys.stderr, flush=True)
        tol = 1e-9 if n <= 1000 else 1e-6
        seconds, memory, gap, rounds, proof = in_child(n, 1e-2, tol, RUNS if n < 10_000 else 1)
        seconds_of.append(seconds), memory_of.append(memory)
        lines.append(
            [n, f"{n * (n - 1):,}", f"{seconds:.2f}", f"{proof:.2f}", f"{memory:.0f}", f"{gap:.1e}", int(rounds)]
        )
        if n == 1000:
            rows.append(["spiral n=1000, l1, 1e-2 beta_max", "gap <= 1e-9 in <= 0.3 s",
                         f"gap {gap:.1e} in {seconds:.2f} s",
                         verdict(gap <= 1e-9 and seconds <= 0.3)])  # fmt: skip
        if n == 10_000:
            rows.append(["spiral n=10,000, l1, 1e-2 beta_max", "gap <= 1e-6, <= 60 s, <= 1.5 GB",
                         f"gap {gap:.1e} in {seconds:.1f} s, {memory / 1024:.2f} GB",
                         verdict(gap <= 1e-6 and seconds <= 60 and memory <= 1536)])  # fmt: skip
    slope = np.polyfit(np.log(sizes[1:]), np.log(seconds_of[1:]), 1)[0]
    page = table(
        ["n", "atoms", "seconds", "of them for the certificate", "peak MB", "gap", "rounds"],
        lines,
    )
    page += (
        f"\n\nSeconds grow like n^{slope:.2f} from n=1000 on (the dictionary grows like n^2). One run for the largest. "
        "Memory includes the interpreter with NumPy and SciPy; kept orders take 2 n^2 bytes."
    )
    return rows, page


# -- the exact l2 network and local methods --------------------------------------------------------------------------
def network_scope(seconds_each):
    X, y = make_spiral(500, random_state=0)
    rows, lines = [], []
    for ratio in (1e-2, 1e-3):
        beta = ratio * beta_max(X, y)
        seconds, ours = timed(lambda: train(X, y, beta=beta, scope="network", tol=1e-6))  # noqa: B023
        bound, gap = ours.certificate.dual, ours.certificate.relative_gap
        below = 0
        for name in ("lbfgs", "adam"):
            print("restarts", name, ratio, file=sys.stderr, flush=True)
            values = []
            for k in range(50):
                width = int(np.geomspace(50, 1000, 50)[k])
                run = train_local(
                    X, y, beta=beta, width=width, method=name, max_iter=10**6, time_limit=seconds_each, random_state=k
                )
                values.append(run.objective)
            below += sum(v < bound for v in values)
            lines.append([f"{ratio:g}", name, f"{min(values):.6g}", f"{median(values):.6g}",
                          f"{min(values) / bound - 1:.1%}",
                          sum(v < bound for v in values)])  # fmt: skip
        lines.append(
            [f"{ratio:g}", "convexnn", f"{ours.certificate.primal:.6g}", f"bound {bound:.6g}", f"{gap:.1e}", ""]
        )
        rows.append([f"spiral n=500, l2, {ratio:g} beta_max, all networks", "gap <= 1e-6 in <= 10 s, no restart below",
                     f"gap {gap:.1e} in {seconds:.2f} s; {below} of 100 restarts below the bound",
                     verdict(gap <= 1e-6 and seconds <= 10 and below == 0)])  # fmt: skip
    head = ["beta / beta_max", "method", "best objective", "median", "above the bound", "restarts below"]
    return rows, f"50 restarts each, widths 50 to 1000, {seconds_each} s per restart.\n\n" + table(head, lines)


def rank_three():
    """The certified network beside the search alone, where both exist."""
    rows, lines = [], []
    for n in (200, 800, 2000, 5000):
        print("rank 3", n, file=sys.stderr, flush=True)
        X, y = make_spiral(n, random_state=0)
        X = np.column_stack([X, np.ones(n)])
        beta = 1e-2 * beta_max(X, y, bias=False)
        runs = 1 if n > 2000 else RUNS
        seconds, ours = timed(lambda: train(X, y, beta=beta, bias=False), runs)  # noqa: B023
        longer, found = timed(lambda: train(X, y, beta=beta, bias=False, max_atoms=1), runs)  # noqa: B023
        bound, gap = ours.certificate.dual, ours.certificate.relative_gap
        above = found.certificate.primal / bound - 1
        lines.append([n, f"{n * (n - 1):,}", f"{seconds:.2f}", f"{gap:.1e}", ours.network.n_neurons,
                      f"{longer:.2f}", f"{above:.1e}", found.network.n_neurons])  # fmt: skip
        if n == 800:
            rows.append(["spiral n=800 with a constant feature, no biases, l2, 1e-2 beta_max, all networks",
                         "gap <= 1e-6 in less time than the search",
                         f"gap {gap:.1e} in {seconds:.2f} s; {longer:.2f} s",
                         verdict(gap <= 1e-6 and seconds < longer)])  # fmt: skip
    head = ["n", "wedges", "certified: seconds", "gap", "neurons", "searched: seconds", "above the bound", "neurons"]
    return rows, table(head, lines) + "\n\nOne run for the largest."


# -- the rest --------------------------------------------------------------------------------------------------------
def three_dimensions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=200)
    rows = []
    for norm in ("l1", "l2"):
        for bias in (True, False):
            print("3D", norm, bias, file=sys.stderr, flush=True)
            beta = 1e-2 * beta_max(X, y, norm=norm, bias=bias, scope="dictionary")
            options = {"beta": beta, "norm": norm, "bias": bias, "scope": "dictionary", "tol": 1e-8}
            seconds, r = timed(lambda: train(X, y, **options))  # noqa: B023
            gap = r.certificate.relative_gap
            rows.append([f"3D, n=200, {norm}, {'biased' if bias else 'no bias'}, 1e-2 beta_max",
                         "gap <= 1e-8 in <= 20 s",
                         f"gap {gap:.1e} in {seconds:.2f} s", verdict(gap <= 1e-8 and seconds <= 20)])  # fmt: skip
    return rows


def one_dimension():
    rng = np.random.default_rng(0)
    x = rng.random(1_000_000)
    y = np.interp(x, np.linspace(0, 1, 12), rng.normal(size=12)) + 0.1 * rng.normal(size=len(x))
    beta = 1e-3 * beta_max(x[:, None], y)
    sort, _ = timed(lambda: np.argsort(x))
    seconds, r = timed(lambda: train(x[:, None], y, beta=beta, tol=1e-6))
    gap, ratio = r.certificate.relative_gap, seconds / sort
    return [["1D, n=10^6, 1e-3 beta_max", "gap <= 1e-6, <= 20x np.argsort",
             f"gap {gap:.1e}, {ratio:.1f}x ({seconds:.2f} s; argsort {sort * 1e3:.0f} ms)",
             verdict(gap <= 1e-6 and ratio <= 20)]]  # fmt: skip


def whole_path():
    X, y = make_spiral(500, random_state=0)
    rows = []
    for norm in ("l1", "l2"):
        print("path", norm, file=sys.stderr, flush=True)
        top = beta_max(X, y, norm=norm)
        single, _ = timed(lambda: train(X, y, beta=1e-3 * top, norm=norm))  # noqa: B023
        seconds, path = timed(lambda: solve_path(X, y, norm=norm), 3)  # noqa: B023
        rows.append([f"path of 50 betas, spiral n=500, {norm}", "<= 5x the smallest beta",
                     f"{seconds / single:.1f}x ({seconds:.2f} s, {single:.2f} s), worst gap {path.gaps.max():.0e}",
                     verdict(seconds <= 5 * single)])  # fmt: skip
    return rows


INTERRUPTED = {
    "planar sweep, n=6000, no kept orders": "o = core.PlanarOracle(rng.normal(size=(6000, 2)), False, 0); n = 6000\n"
    "while True: o.price(rng.normal(size=(n, 1)), True, 1, np.empty(n), np.empty(n, np.int64), np.empty((n, 2)))",
    "pencil sweep with cells, n=400": "p = rng.normal(size=(400, 3))\n"
    "o = core.PencilOracle(p, np.zeros((0, 3)), False, False, 0)\n"
    "n = o.n_pencils * o.n_segments\n"
    "while True: o.price(rng.normal(size=(400, 2)), 2, 0.0, 1, np.empty(n), np.empty(n, np.int64), np.empty((n, 3)))",
    "Lasso, active set, 4000 columns": "k = core.ActiveSetSolver(rng.normal(size=2000), None)\n"
    "k.add(rng.normal(size=(4000, 2000)))\n"
    "while True: k.solve(1e-9, 1e-14, 10**9)",
    "train, spiral n=4000": "X, y = make_spiral(4000, random_state=0)\nwhile True: convexnn.train(X, y, beta=1e-3)",
}


def interrupts():
    lines, worst = [], 0.0
    for name, code in INTERRUPTED.items():
        program = ("import signal, sys, numpy as np, convexnn\n"
                   # A shell that starts jobs in the background lets them ignore this signal.
                   "signal.signal(signal.SIGINT, signal.default_int_handler)\nfrom convexnn._native import core\n"
                   "from convexnn.data import make_spiral\nrng = np.random.default_rng(0)\n"
                   "print('ready', flush=True)\n" + code)  # fmt: skip
        waits = []
        for k in range(RUNS):
            with subprocess.Popen(
                [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as child:
                child.stdout.readline()
                time.sleep(1.0 + 0.17 * k)
                start = time.perf_counter()
                child.send_signal(signal.SIGINT)
                child.wait(timeout=30)
                waits.append(time.perf_counter() - start)
        worst = max(worst, *waits)
        lines.append([name, f"{median(waits):.3f}", f"{max(waits):.3f}"])
    row = [
        "Ctrl-C inside kernels",
        "<= 0.5 s",
        f"{worst:.2f} s at worst, until the process has ended",
        verdict(worst <= 0.5),
    ]
    return [row], table(["kernel", "median seconds", "worst"], lines)


def machine(celer):
    names = ("numpy", "scipy", "scikit-learn", "cvxpy", "clarabel", "scs", "ecos")
    about_cpu = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in about_cpu if line.startswith("model name")), "")
    load = f"{os.getloadavg()[0]:.1f}"
    packages = ["convexnn " + convexnn.__version__, *(f"{name} {version(name)}" for name in names)]
    if celer:
        ask = "from importlib.metadata import version; print('celer', version('celer'))"
        packages.append(subprocess.run([celer, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {model}, {len(os.sched_getaffinity(0))} processors, load {load} "
        f"before the run, Python {platform.python_version()}, " + ", ".join(packages)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md")
    parser.add_argument("--resume", type=Path, help="file that keeps finished parts; they are not run again")
    parser.add_argument("--celer", help="interpreter that has celer")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds per competitor")
    parser.add_argument("--restart-seconds", type=float, default=1.0)
    parser.add_argument("--spiral", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.spiral:
        n, ratio, tol = arguments.spiral
        return spiral_child(int(n), float(ratio), float(tol))
    warnings.simplefilter("ignore")
    parts = {
        "Oracle": lambda: (oracle_cost(), ""),
        "One dimension": lambda: (one_dimension(), ""),
        "Three dimensions": lambda: (three_dimensions(), ""),
        "Path": lambda: (whole_path(), ""),
        "Interruption": interrupts,
        "Scaling: spiral, l1, 1e-2 beta_max": large_spirals,
        "Rank 3 without biases: spiral with a constant feature, l2, 1e-2 beta_max": rank_three,
        "The certified l2 network against restarts of local methods": lambda: network_scope(arguments.restart_seconds),
        "One hard Lasso: spiral n=200, l2, 1.6e-4 beta_max": lambda: hard_lasso(arguments.celer, arguments.limit),
    }
    about, done = machine(arguments.celer), {}
    if arguments.resume and arguments.resume.exists():
        done = json.loads(arguments.resume.read_text())
    note = ""
    if os.getloadavg()[0] > 0.5:
        note = (
            " The machine was busy with other work: wall times are upper bounds, and two threads cannot show what they "
            "gain."
        )
    for title, part in parts.items():
        if title not in done:
            done[title] = part()
        if arguments.resume:
            arguments.resume.write_text(json.dumps(done))
        # After every part, so that a run that is stopped has said something.
        text = ["# Benchmarks of the solver core", "",
                f"Made by `tests/benchmarks/solver.py`: {about}. Our times are medians over {RUNS} runs unless said "
                "otherwise, and include the certificate." + note, "",
                table(["case", "target", "measured", "met"],
                      [row for rows, _ in done.values() for row in rows])]  # fmt: skip
        for name, (_, page) in done.items():
            text += ["", f"## {name}", "", page] if page else []
        arguments.out.write_text("\n".join(text) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
