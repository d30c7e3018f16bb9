"""`convexnn export` and `convexnn dictionary`: networks and dictionaries as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from convexnn.certificate import Certificate
from convexnn.cli.exits import Exit
from convexnn.cli.models import bias_from_word
from convexnn.cli.reporting import show
from convexnn.data import open_table
from convexnn.export import export_dictionary, export_network, import_network
from convexnn.network import DeepReLUNetwork, ReLUNetwork

__all__ = ["run_dictionary", "run_export"]


@dataclass(frozen=True)
class _Certified:
    network: ReLUNetwork | DeepReLUNetwork
    certificate: Certificate | None


def run_export(*, model: Path, out: Path, dtype: str, as_json: bool) -> int:
    """Convert a network file, with the certificate of its folder."""
    source = model / "network.safetensors" if model.is_dir() else model
    proof = model / "certificate.json" if model.is_dir() else None
    certificate = Certificate.load(proof) if proof is not None and proof.is_file() else None
    network = import_network(source)
    export_network(_Certified(network, certificate), out, dtype=dtype)
    show(
        {
            "neurons": network.n_neurons,
            "inputs": network.n_features,
            "outputs": network.n_outputs,
            "certificate": certificate is not None,
            "written_to": str(out),
        },
        as_json=as_json,
    )
    return Exit.CERTIFIED


def run_dictionary(
    *, file: Path, out: Path, features: str, norm: Any, bias: str, table: str, matrix: str | None,
    quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Stream the dictionary of the rows of a file."""
    X = open_table(file).matrix([name.strip() for name in features.split(",") if name.strip()])
    last = [-1]

    def observer(done: int, parts: int) -> None:
        step = 20 * done // max(parts, 1)
        if step > last[0] and not quiet:
            last[0] = step
            click.echo(f"{done} of {parts} parts of the table", err=True)

    saved = export_dictionary(
        X, out, norm=norm, bias=bias_from_word(bias), table=table, matrix=matrix, observer=observer
    )
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    show({"samples": len(X), "atoms": saved.n_atoms, "bytes": size, "written_to": str(out)}, as_json=as_json)
    return Exit.CERTIFIED
