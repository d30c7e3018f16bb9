"""Blocks of random networks rebuilt with least norm: penalties, bounds, gaps.

    python tests/benchmarks/refine_blocks.py
"""

from itertools import pairwise

import numpy as np

from convexnn import DeepReLUNetwork, rebuild_blocks

CASES = (((2, 8, 3, 6, 1), 25), ((3, 10, 2, 5, 2), 20), ((1, 6, 2, 5, 1), 20), ((5, 12, 4, 3), 40))


def main():
    print("| widths | n | norm | block | norm before | after | bound | scope | gap | gamma | neurons | change |")
    print("|" + "---|" * 12)
    for widths, n in CASES:
        rng = np.random.default_rng(0)
        net = DeepReLUNetwork(
            tuple((rng.normal(size=(b, a)) / a**0.5, 0.3 * rng.normal(size=b)) for a, b in pairwise(widths))
        )
        X = rng.normal(size=(n, widths[0]))
        for norm in ("l1", "l2"):
            if norm == "l1" and net.n_layers % 2:
                continue
            result = rebuild_blocks(net, X, norm=norm)
            change = np.abs(result.network.outputs(X) - net.outputs(X)).max() / np.abs(net.outputs(X)).max()
            for b in result.blocks:
                print(
                    f"| {'-'.join(map(str, widths))} | {n} | {norm} | {b.block} | {b.norm_before:.4f} "
                    f"| {b.norm_after:.4f} | {b.lower_bound:.4f} | {b.scope} | {b.gap:.1e} "
                    f"| {b.chamber.gamma:.3f} ({b.chamber.kind}) | {b.neurons_before} -> {b.neurons_after} "
                    f"| {change:.1e} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
