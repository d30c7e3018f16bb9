"""`convexnn export` and `convexnn dictionary`: networks and dictionaries as files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from convexnn.certificate import Certificate
from convexnn.cli.exits import Exit
from convexnn.cli.models import Recipe, bias_from_word, load_model
from convexnn.cli.outputs import check_file, new_file
from convexnn.cli.reporting import show
from convexnn.data import open_table
from convexnn.export import export_dictionary, export_network, import_network, table_to_onnx, to_text
from convexnn.network import DeepReLUNetwork, ReLUNetwork

__all__ = ["run_dictionary", "run_export"]


@dataclass(frozen=True)
class _Certified:
    network: ReLUNetwork | DeepReLUNetwork
    certificate: Certificate | None


def run_export(*, model: Path, out: Path, dtype: str, network_only: bool, as_json: bool) -> int:
    """Convert a network file, with the certificate of its folder and the preparation of its columns."""
    check_file(out)
    source = model / "network.safetensors" if model.is_dir() else model
    proof = model / "certificate.json" if model.is_dir() else None
    certificate = Certificate.load(proof) if proof is not None and proof.is_file() else None
    recipe = load_model(model)[1] if (model / "model.json").is_file() else None
    network = import_network(source)
    with new_file(out) as place:
        columns = _write(_Certified(network, certificate), recipe, place, dtype, network_only=network_only)
    show(
        {
            "neurons": network.n_neurons,
            "inputs": columns or network.n_features,
            "outputs": network.n_outputs,
            "certificate": certificate is not None,
            "written_to": str(out),
        },
        as_json=as_json,
    )
    return Exit.CERTIFIED


def _write(model: _Certified, recipe: Recipe | None, place: Path, dtype: str, *, network_only: bool) -> int:
    """Write the file; returns the number of raw columns that it takes, 0 if it takes those of the network."""
    table = None
    if recipe is not None and recipe.table is not None:
        from convexnn.data import TableRecipe

        table = TableRecipe.from_json(json.dumps(recipe.table))
    if recipe is not None and table is not None and place.suffix.lower() == ".onnx" and not network_only:
        proto = table_to_onnx(table, model.network, loss=recipe.loss, classes=recipe.classes, dtype=dtype)
        place.write_bytes(proto.SerializeToString(deterministic=True))
        return len(table.columns_)
    if recipe is not None and place.suffix.lower() == ".txt":
        names = recipe.features if table is None else [str(name) for name in table.get_feature_names_out()]
        place.write_text(to_text(model, norm=recipe.norm, feature_names=names), encoding="utf-8")
        return 0
    export_network(model, place, dtype=dtype)
    return 0


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
