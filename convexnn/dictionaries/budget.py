"""How large a dictionary will be, asked before anything is allocated."""

from __future__ import annotations

import math

from convexnn._checks import check_bias, check_count, check_norm
from convexnn._types import Bias, Norm
from convexnn.exceptions import DictionarySizeError
from convexnn.geometry.arrangement import count_hyperplanes, working_dimension

__all__ = ["MAX_ATOMS", "MAX_BYTES", "check_atom_budget", "check_byte_budget", "count_atoms", "spell_count"]

MAX_ATOMS = 2_000_000
MAX_BYTES = 2**31


def count_atoms(n: int, d: int, *, norm: Norm = "l2", bias: Bias = True) -> int:
    """Number of atoms, both orientations, of n samples with d features in general position.

    l2 without bias 2 C(n, d-1), with bias 2 C(n, d); l1 without bias 2 C(n+d, d-1), with bias
    2 (C(n+d, d) - 1); "penalized" counts as one more feature without bias (arXiv 2309.16512, Theorems 1-7).
    Degenerate data (duplicates, collinear points) have fewer. For l2 and samples that span less than d
    dimensions pass the dimension they span.

    Parameters
    ----------
    n, d : int
        Number of samples and features.
    norm : "l1" or "l2"
    bias : True, False or "penalized"

    Returns
    -------
    int
        A Python integer, exact at any size.
    """
    n, d = check_count("n", n), check_count("d", d)
    norm, bias = check_norm(norm), check_bias(bias)
    r = working_dimension(n, d, norm=norm, bias=bias)
    return 2 * count_hyperplanes(n, r, norm=norm, affine=bias is True)


def spell_count(count: int) -> str:
    """A count of any size in words: with all digits up to 10^15, then as a power of ten."""
    if count < 10**15:
        return f"{count:,}"
    # Python neither turns integers above 1e308 into floats nor prints those of more than 4300 digits.
    exponent = math.floor(math.log10(count))
    return f"{10.0 ** (math.log10(count) - exponent):.3g}e+{exponent}"


def check_atom_budget(count: int, max_atoms: int) -> None:
    """Raise :class:`DictionarySizeError` if `count` atoms are more than allowed."""
    if count > max_atoms:
        raise DictionarySizeError(
            f"the dictionary has up to {spell_count(count)} atoms, but max_atoms={max_atoms:,}. Raise max_atoms, use "
            "fewer samples or features, or draw from it with sampled_dictionary.",
            count=count,
            budget=max_atoms,
        )


def check_byte_budget(what: str, count: int, max_bytes: int, advice: str) -> None:
    """Raise :class:`DictionarySizeError` if `count` bytes are more than allowed."""
    if count > max_bytes:
        raise DictionarySizeError(
            f"{what} needs {spell_count(count)} bytes, but max_bytes={max_bytes:,}. {advice}",
            count=count,
            budget=max_bytes,
        )
