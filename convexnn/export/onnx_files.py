"""Networks as ONNX graphs: Gemm and Relu in turn, in single or double precision.

A file is read only as far as it is such a graph: operators of other domains, tensors outside the file, dimensions that
are no sizes, and a checksum that does not match are refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError, ModelFormatError, ParameterError, SolverUnavailableError
from convexnn.export.models import as_deep, as_simple, common_activation, find_network, make_notes
from convexnn.network import DeepReLUNetwork, ReLUNetwork

__all__ = ["from_onnx", "load_onnx", "network_nodes", "onnx_notes", "save_onnx", "to_onnx"]

# What ONNX Runtime reads since 1.20.
_OPSET, _IR = 21, 10
_TYPES = {"float32": np.float32, "float64": np.float64}
# The note with the SHA-256 of the graph. Files of version 0.1 and of other programs have none.
_CHECKSUM = "convexnn_sha256"
_STANDARD = ("", "ai.onnx")
# The note with the slope of the activation, since attributes of operators have single precision.
_SLOPE = "slope"


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise SolverUnavailableError("ONNX files need the package onnx; install convexnn[export].") from error
    return onnx


def to_onnx(model: Any, *, dtype: str = "float64", metadata: Mapping[str, str] | None = None) -> Any:
    """A network as an ONNX model with input "X" (n, d) and output "output" (n, c), n free.

    Parameters
    ----------
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    dtype : "float64" or "float32"
        Precision of weights, input and output.
    metadata : dict of str to str, optional
        Notes to add to the release and the certificate, which are always kept.

    Returns
    -------
    onnx.ModelProto
        Passed by the checker of onnx.

    Raises
    ------
    ParameterError
        If the model has no network or `dtype` is unknown.
    DataError
        If a weight does not fit into single precision.
    SolverUnavailableError
        If onnx is not installed.
    """
    network = as_deep(find_network(model))
    if dtype not in _TYPES:
        raise ParameterError(f"dtype={dtype!r} is unknown; choose 'float32' or 'float64'.")
    notes = make_notes(model, metadata)
    onnx = _onnx()
    helper, code = onnx.helper, getattr(onnx.TensorProto, "FLOAT" if dtype == "float32" else "DOUBLE")
    nodes, tensors = network_nodes(network, dtype, "X", "output")
    graph = helper.make_graph(
        nodes,
        "convexnn",
        [helper.make_tensor_value_info("X", code, ["n", network.n_features])],
        [helper.make_tensor_value_info("output", code, ["n", network.n_outputs])],
        initializer=tensors,
    )
    proto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR, producer_name="convexnn"
    )
    exact = {_SLOPE: repr(network.activation.slope)} if network.activation.slope else {}
    notes = {**notes, **exact}
    helper.set_model_props(proto, notes)
    helper.set_model_props(proto, {**notes, _CHECKSUM: _digest(notes, *_chain(proto))})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def network_nodes(network: DeepReLUNetwork, dtype: str, first: str, last: str) -> tuple[list[Any], list[Any]]:
    """Operators and tensors of a network from the value named `first` to the one named `last`."""
    onnx, nodes, tensors = _onnx(), [], []
    helper = onnx.helper
    for k, (weight, bias) in enumerate(network.layers):
        end = k == network.n_layers - 1
        for name, values in ((f"weight_{k}", weight), (f"bias_{k}", bias)):
            tensors.append(onnx.numpy_helper.from_array(_cast(values, dtype, name), name))
        out = last if end else f"affine_{k}"
        nodes.append(helper.make_node("Gemm", [first, f"weight_{k}", f"bias_{k}"], [out], transB=1))
        if not end:
            slope = network.activation.slope
            kind, options = ("LeakyRelu", {"alpha": slope}) if slope else ("Relu", {})
            nodes.append(helper.make_node(kind, [out], [f"hidden_{k}"], **options))
            first = f"hidden_{k}"
    return nodes, tensors


def _cast(values: Floats, dtype: str, name: str) -> Any:
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(values, dtype=_TYPES[dtype])
    if not np.isfinite(cast).all():
        raise DataError(f"{name} has entries up to {np.abs(values).max():.1e}, too large for float32; use 'float64'.")
    return cast


def save_onnx(
    model: Any, path: str | PathLike[str], *, dtype: str = "float64", metadata: Mapping[str, str] | None = None
) -> None:
    """Write :func:`to_onnx` to a file."""
    Path(path).write_bytes(to_onnx(model, dtype=dtype, metadata=metadata).SerializeToString(deterministic=True))


def _digest(notes: Mapping[str, str], layers: list[tuple[Floats, Floats]], slopes: list[float]) -> str:
    """SHA-256 of what the file means, not of its bytes, which another program may order otherwise."""
    digest = hashlib.sha256(json.dumps([dict(notes), slopes], sort_keys=True).encode())
    for array in (array for pair in layers for array in pair):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def load_onnx(path: str | PathLike[str]) -> ReLUNetwork | DeepReLUNetwork:
    """Read a network from an ONNX file made of Gemm and Relu (or LeakyRelu), ours or another's.

    Raises
    ------
    ModelFormatError
        If the file is damaged, edited, or holds another kind of graph.
    """
    return from_onnx(_parse(path))


def onnx_notes(path: str | PathLike[str]) -> dict[str, str]:
    """The notes of an ONNX file, among them "certificate" as JSON; the checksum is verified."""
    proto = _parse(path)
    from_onnx(proto)
    return {name: text for name, text in _notes(proto).items() if name != _CHECKSUM}


def _parse(path: str | PathLike[str]) -> Any:
    content = Path(path).read_bytes()
    try:
        proto = _onnx().load_model_from_string(content)
    except SolverUnavailableError:
        raise
    except Exception as error:  # protobuf raises types of its own
        raise ModelFormatError(f"{path} is not an ONNX file ({error}); damaged or of another kind.") from error
    if not proto.graph.node:
        raise ModelFormatError(f"{path} holds no ONNX graph; damaged or of another kind.")
    return proto


def from_onnx(proto: Any) -> ReLUNetwork | DeepReLUNetwork:
    """The network of an ONNX model that is a chain of Gemm and Relu (or LeakyRelu).

    Raises
    ------
    ModelFormatError
        If the graph is another one, refers to data outside the model, or was edited.
    """
    try:
        layers, slopes = _chain(proto)
        _check_digest(_notes(proto), layers, slopes)
        network = DeepReLUNetwork(tuple(layers), activation=common_activation(slopes))
        _check_ends(proto.graph, network)
        return as_simple(network)
    except (ModelFormatError, DataError, KeyError, IndexError, ValueError, TypeError) as error:
        raise ModelFormatError(f"the ONNX graph is not a chain of Gemm and Relu: {error}") from error


def _notes(proto: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in proto.metadata_props}


def _check_digest(notes: dict[str, str], layers: list[tuple[Floats, Floats]], slopes: list[float]) -> None:
    stated = notes.pop(_CHECKSUM, None)
    if stated is not None and stated != _digest(notes, layers, slopes):
        raise ModelFormatError("the checksum does not match the contents; file damaged or edited.")


def _chain(proto: Any) -> tuple[list[tuple[Floats, Floats]], list[float]]:
    """Layers, and the slope of each activation between them."""
    graph = proto.graph
    tensors = {entry.name: _tensor(entry) for entry in graph.initializer}
    layers, slopes, last = [], [], graph.input[0].name
    expect: tuple[str, ...] = ("Gemm",)
    for node in graph.node:
        if node.domain not in _STANDARD:
            raise ModelFormatError(f"operator {node.op_type!r} of the domain {node.domain!r} is not one of ONNX.")
        if node.op_type not in expect or not node.input or node.input[0] != last:
            raise ModelFormatError(f"operator {node.op_type!r} where {expect[0]!r} of {last!r} was expected.")
        if node.op_type == "Gemm":
            layers.append(_layer(node, tensors))
        else:
            # 0.01 is ONNX's default of alpha.
            slope = next((entry.f for entry in node.attribute if entry.name == "alpha"), 0.01)
            slopes.append(0.0 if node.op_type == "Relu" else float(slope))
        last, expect = node.output[0], ("Relu", "LeakyRelu") if node.op_type == "Gemm" else ("Gemm",)
    if expect[0] != "Relu" or graph.output[0].name != last:
        raise ModelFormatError("the last operator is not Gemm with the output.")
    exact = float(_notes(proto).get(_SLOPE, 0.0))
    return layers, [exact if slope == float(np.float32(exact)) else slope for slope in slopes]


def _tensor(entry: Any) -> Floats:
    """Values of an initializer, once its dimensions and the place of its data are known to be sound."""
    onnx = _onnx()
    if entry.data_location == onnx.TensorProto.EXTERNAL or entry.external_data:
        raise ModelFormatError(f"tensor {entry.name!r} refers to data outside the file; store it inside.")
    if any(size < 0 for size in entry.dims):
        raise ModelFormatError(f"tensor {entry.name!r} has the dimensions {list(entry.dims)}; sizes are not negative.")
    return np.asarray(onnx.numpy_helper.to_array(entry), dtype=np.float64)


def _check_ends(graph: Any, network: DeepReLUNetwork) -> None:
    """Where input and output state a number of columns, it is that of the network."""
    for value, size in ((graph.input[0], network.n_features), (graph.output[0], network.n_outputs)):
        sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim]
        if any(stated is not None and stated < 0 for stated in sizes):
            raise ModelFormatError(f"{value.name!r} has the dimensions {sizes}; sizes are not negative.")
        if sizes and (len(sizes) != 2 or sizes[1] not in (None, size)):
            raise ModelFormatError(f"{value.name!r} has the dimensions {sizes}, but the layers have {size} columns.")


def _layer(node: Any, tensors: dict[str, Floats]) -> tuple[Floats, Floats]:
    options = {entry.name: entry.f if entry.name in ("alpha", "beta") else entry.i for entry in node.attribute}
    if options.get("transA", 0) or options.get("alpha", 1.0) != 1.0 or options.get("beta", 1.0) != 1.0:
        raise ModelFormatError(f"Gemm with {options}; only transB is understood.")
    weight = tensors[node.input[1]]
    weight = weight if options.get("transB", 0) else weight.T
    bias = tensors[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight))
    return weight, bias
