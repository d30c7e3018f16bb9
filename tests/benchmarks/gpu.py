"""The search with samples on a GPU beside the same on one core: ``gpu.py OUTPUT.md [--cpu 150]``.

Needs PyTorch with CUDA. First the ceilings of the card (matrix products, copies), then what the two kernels of a search
reach of them: a step of the ascent (oracle) and an evaluation of the joint descent. Operations and bytes are the fewest
that the arithmetic needs: products of samples and neurons, samples read once per product, one matrix of responses
written and read once. Last the whole search on the teacher of ``large_sample.py``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from array_api_compat import array_namespace
from large_sample import RATIO, teacher
from threadpoolctl import threadpool_limits

import convexnn as cn
from convexnn._arrays import Device
from convexnn._progress import Clock
from convexnn.oracles import ascent as search
from convexnn.search import forward_backward as passes

SIZES = ((500, 10, 100), (2000, 20, 100), (5000, 100, 100), (20_000, 100, 150), (100_000, 100, 150))


def seconds(run: Callable[[], Any], repeats: int) -> float:
    """Median wall time; the device has finished at every reading of the clock."""
    run()
    taken = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        run()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))


def ceilings() -> dict[str, float]:
    """Products per second in both precisions, and bytes per second of a copy."""
    found = {}
    for name, kind, size in (("float64", torch.float64, 6144), ("float32", torch.float32, 8192)):
        A, B = (torch.randn(size, size, dtype=kind, device="cuda") for _ in range(2))
        found[name] = 2.0 * size**3 / seconds(lambda A=A, B=B: A @ B, 7)
    A = torch.randn(2**29, device="cuda")
    B = torch.empty_like(A)
    found["copy"] = 2.0 * A.numel() * 4 / seconds(lambda: B.copy_(A), 9)
    return found


def row(name: str, n: int, r: int, m: int, precision: str, cpu: float, gpu: float, peak: dict[str, float]) -> str:
    """One line: two products of n x r samples with m neurons, whose responses are written once and read once."""
    flops, entries = 4.0 * n * r * m, 2.0 * n * r + 2.0 * n * m
    least = max(flops / peak[precision], entries * (8 if precision == "float64" else 4) / peak["copy"])
    return (
        f"| {name}, {m} | {n} x {r} | {precision} | {cpu * 1e3:.3g} | {gpu * 1e3:.3g} | {cpu / gpu:.3g} | "
        f"{1e-12 * flops / gpu:.2f} | {least / gpu:.0%} |"
    )


def ascent_row(n: int, r: int, m: int, peak: dict[str, float]) -> str:
    """Mean over the 17 evaluations of an ascent of 16 steps, without the transfer at its beginning."""
    rng = np.random.default_rng(0)
    here = rng.standard_normal((n, r)), rng.standard_normal((n, 1)), rng.standard_normal((m, r))
    there = [torch.as_tensor(part, device="cuda") for part in here]
    how = 16, False, "l2", Clock()
    gpu = seconds(partial(search._ascend, array_namespace(there[0]), *there, *how), 5) / 17
    cpu = seconds(partial(search._ascend, array_namespace(here[0]), *here, *how), 1) / 17
    return row("ascent, starts", n, r, m, "float64", cpu, gpu, peak)


def descent_row(n: int, r: int, m: int, precision: type[np.floating], peak: dict[str, float]) -> str:
    """Outputs and all derivatives; weights go to the card, outputs come back, their gradient goes, derivatives come."""
    rng = np.random.default_rng(0)
    X, W, a = rng.standard_normal((n, r)), rng.standard_normal((m, r)), rng.standard_normal((m, 1))
    e, G = 0.1 * np.linalg.norm(W, axis=1), rng.standard_normal((n, 1))

    def evaluate(kernel: Any) -> None:
        kernel.forward(W, a, e)
        kernel.backward(G)

    far = passes.DevicePass(Device(torch.ones(1, device="cuda")), X, precision, False)
    near = passes.make_forward_backward(X, m, 1, precision)
    gpu, cpu = seconds(partial(evaluate, far), 50), seconds(partial(evaluate, near), 5)
    return row("descent, neurons", n, r, m, np.dtype(precision).name, cpu, gpu, peak)


def search_rows(limit: float) -> list[str]:
    X, y = teacher()
    beta = RATIO * cn.beta_max(X, y, bias=False, max_atoms=1)
    rows = []
    for where, samples, longest in (("GPU", torch.as_tensor(X, device="cuda"), None), ("one core", X, limit)):
        begin = time.perf_counter()
        result = cn.train(samples, y, beta=beta, bias=False, max_atoms=1, time_limit=longest)
        wall = time.perf_counter() - begin
        objective = result.network.objective(X, y, beta=beta, bias=False)
        rows.append(f"| {where} | {objective:.8g} | {result.network.n_neurons} | {wall:.0f} | {result.status.name} |")
        print(rows[-1], flush=True)
        for state in result.trace:
            print("   ", state.round, f"{state.primal:.8g} {state.n_atoms} {state.seconds:.1f}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--cpu", type=float, default=150.0, help="time limit of the whole search on one core")
    args = parser.parse_args()
    peak = ceilings()
    lines = [
        "# The search on a GPU",
        "",
        f"`tests/benchmarks/gpu.py`: {torch.cuda.get_device_name()}, PyTorch {torch.__version__}, convexnn "
        f"{cn.__version__}; the core beside it with one BLAS thread. Ceilings measured on the card: "
        f"{peak['float64'] / 1e12:.1f} Tflop/s in float64, {peak['float32'] / 1e12:.1f} in float32, copies "
        f"{peak['copy'] / 1e12:.2f} TB/s. The last column is the least time that operations or memory would take at "
        "these ceilings, as a share of the time measured, which includes all transfers.",
        "",
        "| kernel | samples | precision | core, ms | GPU, ms | ratio | Tflop/s | of the ceiling |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [ascent_row(*size, peak) for size in SIZES]
    for precision in (np.float32, np.float64):
        lines += [descent_row(*size, precision, peak) for size in SIZES]
    print("\n".join(lines), flush=True)
    lines += [
        "",
        f"A whole search, 100,000 samples of 100 features ({RATIO:g} beta_max, no biases):",
        "",
        "| search on | objective | neurons | wall seconds | ended |",
        "|---|---|---|---|---|",
        *search_rows(args.cpu),
    ]
    args.output.write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
