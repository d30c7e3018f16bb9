"""The deep ReLU network as a value: a list of layers, without an objective of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike

import numpy as np

from convexnn._checks import check_points
from convexnn._types import ArrayLike, Floats
from convexnn.exceptions import DataError
from convexnn.network.activation import RELU, Activation
from convexnn.network.objective import forward
from convexnn.network.relu import ReLUNetwork

__all__ = ["DeepReLUNetwork"]

Layer = tuple[Floats, Floats]


def _frozen(value: ArrayLike, ndim: int, name: str) -> Floats:
    """Own, read-only float64 copy of one parameter array."""
    array = np.array(value, dtype=np.float64, order="C")
    if array.ndim != ndim:
        raise DataError(f"{name} has shape {array.shape}; expected {ndim} dimensions.")
    if not np.isfinite(array).all():
        raise DataError(f"{name} contains NaN or infinity; all entries must be finite.")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class DeepReLUNetwork:
    """f(x) = W_L s(... s(W_1 x + b_1) ...) + b_L with s(t) = max(t, 0) or another activation, the last layer affine.

    Parameters
    ----------
    layers : sequence of (weight (out, in), bias (out,)) pairs
        From the input to the output, at least one.
    activation : Activation, keyword only
        s, ReLU by default.

    Raises
    ------
    DataError
        If a shape does not fit its neighbours or an entry is not finite.
    """

    layers: tuple[Layer, ...]
    activation: Activation = field(default=RELU, kw_only=True)

    def __post_init__(self) -> None:
        layers = tuple(
            (_frozen(weight, 2, f"weight of layer {k}"), _frozen(bias, 1, f"bias of layer {k}"))
            for k, (weight, bias) in enumerate(_pairs(self.layers))
        )
        if not layers:
            raise DataError("layers is empty; at least the output layer (weight, bias) is needed.")
        for k, (weight, bias) in enumerate(layers):
            if bias.shape != weight.shape[:1]:
                raise DataError(
                    f"layer {k} has weight {weight.shape} and bias {bias.shape}; expected (out, in) and (out,)."
                )
            if k and weight.shape[1] != layers[k - 1][0].shape[0]:
                raise DataError(
                    f"layer {k} takes {weight.shape[1]} inputs, but layer {k - 1} has "
                    f"{layers[k - 1][0].shape[0]} outputs; they must match."
                )
        object.__setattr__(self, "layers", layers)

    @property
    def n_layers(self) -> int:
        """Number of affine maps, the output layer included."""
        return len(self.layers)

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of neurons of each hidden layer."""
        return tuple(int(bias.shape[0]) for _, bias in self.layers[:-1])

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons of all layers together."""
        return sum(self.widths)

    @property
    def n_features(self) -> int:
        """Number of inputs."""
        return int(self.layers[0][0].shape[1])

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return int(self.layers[-1][0].shape[0])

    def activations(self, X: Floats) -> list[Floats]:
        """Checked samples X (n, d) after each hidden layer, a list of (n, width) arrays."""
        return forward(self.layers, X, self.activation).inputs[1:]

    def outputs(self, X: Floats) -> Floats:
        """Outputs (n, c) of checked samples."""
        hidden = X
        for weight, bias in self.layers[:-1]:
            hidden = self.activation.value(hidden @ weight.T + bias)
        weight, bias = self.layers[-1]
        return np.asarray(hidden @ weight.T + bias)

    def predict(self, X: ArrayLike) -> Floats:
        """Outputs at X (n, d): shape (n,) for one output, else (n, c).

        Raises
        ------
        DataError
            If X is not a finite numeric array with `n_features` columns.
        """
        f = self.outputs(check_points(X, n_features=self.n_features))
        return f[:, 0] if self.n_outputs == 1 else f

    @classmethod
    def from_shallow(cls, network: ReLUNetwork) -> DeepReLUNetwork:
        """The same function with two layers."""
        return cls(network.layers, activation=network.activation)

    def to_shallow(self) -> ReLUNetwork:
        """The same function as :class:`ReLUNetwork`.

        Raises
        ------
        DataError
            If the network has not exactly one hidden layer.
        """
        if self.n_layers != 2:
            raise DataError(
                f"the network has {self.n_layers - 1} hidden layers; a ReLUNetwork has exactly 1. Keep the deep value."
            )
        (weight, bias), (out, intercept) = self.layers
        return ReLUNetwork(weight, bias, out.T, intercept, activation=self.activation)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a safetensors file (no pickle, nothing is executed on load)."""
        from convexnn.network.io import write_network_file

        write_network_file(path, self.layers, self.activation)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> DeepReLUNetwork:
        """Read a network of any depth, written by :meth:`save` or by :func:`convexnn.export.export_network`.

        Raises
        ------
        ModelFormatError
            If the file is damaged, edited or of another kind.
        """
        from convexnn.network.io import read_network_file

        stored = read_network_file(path)
        return cls(stored.layers, activation=stored.activation)


def _pairs(layers: Iterable[Layer]) -> Iterable[Layer]:
    for k, layer in enumerate(layers):
        if len(layer) != 2:
            raise DataError(f"layer {k} has {len(layer)} parts; expected a pair (weight, bias).")
        yield layer
