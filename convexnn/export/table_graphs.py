"""Models of tables as ONNX graphs: raw columns go in, predictions or labels come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convexnn.data.columns import Categorical, Column, Date, Numeric
from convexnn.data.entries import as_flags, as_numbers, as_text, days
from convexnn.data.tables import columns_of
from convexnn.exceptions import DataError, ParameterError, SolverUnavailableError
from convexnn.export.models import as_deep, find_network, make_notes
from convexnn.export.onnx_files import network_nodes

if TYPE_CHECKING:
    from convexnn.data import TableRecipe

__all__ = ["onnx_inputs", "table_to_onnx"]

_OPSET, _LABELS, _IR = 21, 3, 10


def table_to_onnx(
    recipe: TableRecipe,
    model: Any,
    *,
    loss: str | None = None,
    classes: Sequence[Any] | None = None,
    dtype: str = "float64",
    metadata: Mapping[str, str] | None = None,
) -> Any:
    """A fitted recipe and the network behind it as one ONNX model with an input (n, 1) per column.

    Inputs are named as the columns: text for categories ("" where missing), doubles (nan where missing) for numbers,
    truth values (0 and 1) and dates (days since the beginning of 1970); :func:`onnx_inputs` makes them. The output
    is "prediction" (n, c), for counts their mean; with classes "label" (n,), and for the log loss "probabilities".

    Parameters
    ----------
    recipe : TableRecipe
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    loss : str, optional
        Loss of training; that of the estimator by default, else "squared_error".
    classes : sequence, optional
        Labels in order, all texts or all numbers; those of the estimator by default.
    dtype : "float64" or "float32"
        Precision of the network; columns are scaled in double precision.
    metadata : dict of str to str, optional
        Notes to add.

    Returns
    -------
    onnx.ModelProto
        Passed by the checker of onnx. It cannot be read back as a network.

    Raises
    ------
    ParameterError
        If the model has no network, or `dtype` is unknown.
    DataError
        If recipe and network do not fit.
    SolverUnavailableError
        If onnx is not installed.
    """
    network = as_deep(find_network(model))
    if dtype not in ("float32", "float64"):
        raise ParameterError(f"dtype={dtype!r} is unknown; choose 'float32' or 'float64'.")
    width = sum(len(column.outputs) for column in recipe.columns_)
    if width != network.n_features:
        raise DataError(f"the recipe makes {width} numbers, the network takes {network.n_features}; pass its own.")
    loss = loss or getattr(model, "loss", None) or ("squared_error" if classes is None else "log_loss")
    classes = getattr(model, "classes_", None) if classes is None else classes
    graph = _Graph(recipe, dtype)
    for column in recipe.columns_:
        graph.add_column(column)
    graph.join()
    nodes, tensors = network_nodes(network, dtype, "/numbers", "/output")
    graph.nodes += nodes
    graph.tensors += tensors
    if classes is None:
        graph.add_values(network.n_outputs, mean="Exp" if loss == "poisson" else "Identity")
    else:
        graph.add_labels(list(classes), network.n_outputs, loss)
    return graph.finish({"recipe": recipe.to_json(), **make_notes(model, metadata)})


def onnx_inputs(recipe: TableRecipe, table: Any) -> dict[str, Any]:
    """The columns (n, 1) of a table as the inputs of :func:`table_to_onnx`.

    Raises
    ------
    DataError
        If a column is missing or an entry is not of its kind.
    """
    columns = columns_of(table)
    if columns is None:
        raise DataError("expected a table with names of columns; pass a data frame or a dict of columns.")
    recipe.transform(table)  # says what is wrong
    found: dict[str, Any] = {}
    for column in recipe.columns_:
        entries = columns[column.name]
        if isinstance(column, Categorical):
            values: Any = np.array([as_text(entry) for entry in entries], dtype=object)
        elif isinstance(column, Date):
            values = days(entries, column.format)
        elif isinstance(column, Numeric):
            values = as_numbers(entries, column.decimal)
        else:
            flags = as_flags(entries)
            values = as_numbers(entries) if flags is None else flags
        found[column.name or _NAMELESS] = values[:, None]
    return found


# ONNX has no empty names.
_NAMELESS = "column"


class _Graph:
    """An ONNX graph that grows column by column."""

    def __init__(self, recipe: TableRecipe, dtype: str) -> None:
        try:
            import onnx
        except ImportError as error:
            raise SolverUnavailableError("ONNX files need the package onnx; install convexnn[export].") from error
        self._onnx, self._names = onnx, [column.name or _NAMELESS for column in recipe.columns_]
        self._double, self._text = onnx.TensorProto.DOUBLE, onnx.TensorProto.STRING
        self._precision = onnx.TensorProto.FLOAT if dtype == "float32" else self._double
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._parts: list[str] = []

    def _add(self, kind: str, inputs: list[str], output: str, **options: Any) -> str:
        self.nodes.append(self._onnx.helper.make_node(kind, inputs, [output], **options))
        return output

    def _constant(self, name: str, values: Any) -> str:
        self.tensors.append(self._onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

    def add_column(self, column: Column) -> None:
        """The operators of one column."""
        name, text = column.name or _NAMELESS, isinstance(column, Categorical)
        kind = self._text if text else self._double
        self._inputs.append(self._onnx.helper.make_tensor_value_info(name, kind, ["n", 1]))
        self._parts.append(self._levels(name, column) if text else self._scaled(name, column))

    def _scaled(self, name: str, column: Any) -> str:
        self._add("IsNaN", [name], f"/{name}/missing")
        fill, centre, scale = (
            self._constant(f"/{name}/{what}", np.full((1, 1), getattr(column, what)))
            for what in ("fill", "centre", "scale")
        )
        known = self._add("Where", [f"/{name}/missing", fill, name], f"/{name}/known")
        moved = self._add("Sub", [known, centre], f"/{name}/moved")
        return self._add("Div", [moved, scale], f"/{name}/numbers")

    def _levels(self, name: str, column: Any) -> str:
        # The operator needs a level at least; a text that no table has stands for none.
        levels = list(column.levels) or ["\x00"]
        raw = self._add("OneHotEncoder", [name], f"/{name}/hot", domain="ai.onnx.ml", cats_strings=levels, zeros=1)
        # The encoder appends its axis: (n, 1, k).
        shape = self._constant(f"/{name}/shape", np.array([-1, len(levels)], dtype=np.int64))
        hot = self._add("Reshape", [raw, shape], f"/{name}/levels")
        hot = self._add("Cast", [hot], f"/{name}/doubles", to=self._double)
        if not column.rare:
            return hot
        axis = self._constant(f"/{name}/axis", np.array([1], dtype=np.int64))
        known = self._add("ReduceSum", [hot, axis], f"/{name}/sum", keepdims=1)
        rest = self._add("Sub", [self._constant(f"/{name}/one", np.ones((1, 1))), known], f"/{name}/rest")
        return rest if not column.levels else self._add("Concat", [hot, rest], f"/{name}/numbers", axis=1)

    def join(self) -> None:
        """All columns side by side, in the precision of the network."""
        self._add("Concat", self._parts, "/doubles", axis=1)
        self._add("Cast", ["/doubles"], "/numbers", to=self._precision)

    def _output(self, name: str, kind: Any, shape: list[Any]) -> str:
        while name in self._names:
            name += "_"
        self._outputs.append(self._onnx.helper.make_tensor_value_info(name, kind, shape))
        return name

    def add_values(self, n_outputs: int, mean: str) -> None:
        """Predicted numbers from the output of the network."""
        self._add(mean, ["/output"], self._output("prediction", self._precision, ["n", n_outputs]))

    def add_labels(self, classes: list[Any], n_outputs: int, loss: str) -> None:
        """Labels, and probabilities if the loss has some."""
        scores = "/output"
        if n_outputs == 1:
            scores = self._add("Concat", [self._add("Neg", ["/output"], "/negative"), "/output"], "/scores", axis=1)
        texts = all(isinstance(label, str) for label in classes)
        labels = np.array(classes, dtype=object) if texts else np.asarray(classes)
        labels = labels.astype(np.int64) if labels.dtype.kind in "biu" else labels
        kind = self._onnx.helper.np_dtype_to_tensor_dtype(labels.dtype) if not texts else self._text
        best = self._add("ArgMax", [scores], "/best", axis=1, keepdims=0)
        self._add("Gather", [self._constant("/labels", labels), best], self._output("label", kind, ["n"]), axis=0)
        if loss == "log_loss":
            place = self._output("probabilities", self._precision, ["n", len(classes)])
            self._add(*(("Sigmoid", [scores], place) if n_outputs == 1 else ("Softmax", [scores], place)))

    def finish(self, notes: dict[str, str]) -> Any:
        """The checked model."""
        helper = self._onnx.helper
        graph = helper.make_graph(self.nodes, "convexnn", self._inputs, self._outputs, initializer=self.tensors)
        sets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _LABELS)]
        proto = helper.make_model(graph, opset_imports=sets, ir_version=_IR, producer_name="convexnn")
        helper.set_model_props(proto, notes)
        self._onnx.checker.check_model(proto, full_check=True)
        return proto
