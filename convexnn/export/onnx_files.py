"""Networks as ONNX graphs: Gemm and Relu in turn, in single or double precision."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError, ModelFormatError, ParameterError, SolverUnavailableError
from convexnn.export.models import as_deep, as_simple, find_network, make_notes
from convexnn.network import DeepReLUNetwork, ReLUNetwork

__all__ = ["from_onnx", "load_onnx", "onnx_notes", "save_onnx", "to_onnx"]

# What ONNX Runtime reads since 1.20.
_OPSET, _IR = 21, 10
_TYPES = {"float32": np.float32, "float64": np.float64}


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
    tensors, nodes, last = [], [], "X"
    for k, (weight, bias) in enumerate(network.layers):
        end = k == network.n_layers - 1
        for name, values in ((f"weight_{k}", weight), (f"bias_{k}", bias)):
            tensors.append(onnx.numpy_helper.from_array(_cast(values, dtype, name), name))
        out = "output" if end else f"affine_{k}"
        nodes.append(helper.make_node("Gemm", [last, f"weight_{k}", f"bias_{k}"], [out], transB=1))
        if not end:
            nodes.append(helper.make_node("Relu", [out], [f"hidden_{k}"]))
            last = f"hidden_{k}"
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
    helper.set_model_props(proto, notes)
    onnx.checker.check_model(proto, full_check=True)
    return proto


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


def load_onnx(path: str | PathLike[str]) -> ReLUNetwork | DeepReLUNetwork:
    """Read a network from an ONNX file made of Gemm and Relu, ours or another's.

    Raises
    ------
    ModelFormatError
        If the file is damaged or holds another kind of graph.
    """
    return from_onnx(_parse(path))


def onnx_notes(path: str | PathLike[str]) -> dict[str, str]:
    """The notes of an ONNX file, among them "certificate" as JSON."""
    return {entry.key: entry.value for entry in _parse(path).metadata_props}


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
    """The network of an ONNX model that is a chain of Gemm and Relu.

    Raises
    ------
    ModelFormatError
        If the graph is another one.
    """
    graph, to_array = proto.graph, _onnx().numpy_helper.to_array
    try:
        tensors = {entry.name: np.asarray(to_array(entry), dtype=np.float64) for entry in graph.initializer}
        layers, last, expect = [], graph.input[0].name, "Gemm"
        for node in graph.node:
            if node.op_type != expect or not node.input or node.input[0] != last:
                raise ModelFormatError(f"operator {node.op_type!r} where {expect!r} of {last!r} was expected.")
            if expect == "Gemm":
                layers.append(_layer(node, tensors))
            last, expect = node.output[0], "Relu" if expect == "Gemm" else "Gemm"
        if expect != "Relu" or graph.output[0].name != last:
            raise ModelFormatError("the last operator is not Gemm with the output.")
        return as_simple(DeepReLUNetwork(tuple(layers)))
    except (ModelFormatError, DataError, KeyError, IndexError, ValueError, TypeError) as error:
        raise ModelFormatError(f"the ONNX graph is not a chain of Gemm and Relu: {error}") from error


def _layer(node: Any, tensors: dict[str, Floats]) -> tuple[Floats, Floats]:
    options = {entry.name: entry.f if entry.name in ("alpha", "beta") else entry.i for entry in node.attribute}
    if options.get("transA", 0) or options.get("alpha", 1.0) != 1.0 or options.get("beta", 1.0) != 1.0:
        raise ModelFormatError(f"Gemm with {options}; only transB is understood.")
    weight = tensors[node.input[1]]
    weight = weight if options.get("transB", 0) else weight.T
    bias = tensors[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight))
    return weight, bias
