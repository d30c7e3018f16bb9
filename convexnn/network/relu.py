"""The two-layer ReLU network, a value that solvers return and everything else consumes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from os import PathLike

import numpy as np

from convexnn._checks import check_bias, check_norm, check_points, check_real, check_targets
from convexnn._types import ArrayLike, Bias, Floats, Norm
from convexnn.exceptions import DataError, ModelFormatError
from convexnn.losses import LOSSES
from convexnn.network.activation import RELU, Activation
from convexnn.network.broken_line import broken_line

__all__ = ["ReLUNetwork", "row_norms"]

# Rows of X evaluated at once; bounds the memory of predict to about 100 MB for 100 neurons.
_BLOCK = 65_536


def row_norms(rows: Floats, norm: Norm) -> Floats:
    """Length of each row in the l1 or l2 norm, without overflow or underflow of squares."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scale = np.where(largest > 0, largest, 1.0)[:, None]
    scaled = rows / scale
    lengths = np.abs(scaled).sum(axis=1) if norm == "l1" else np.sqrt((scaled * scaled).sum(axis=1))
    return np.asarray(lengths * scale[:, 0])


@dataclass(frozen=True)
class ReLUNetwork:
    """f(x) = sum_j a_j s(w_j.x + b_j) + t with s(t) = max(t, 0) or another :class:`Activation`.

    Parameters
    ----------
    hidden_weights : (m, d) array
        Rows w_j.
    hidden_biases : (m,) array
        Offsets b_j.
    output_weights : (m, c) array
        Rows a_j, one column per output.
    intercept : (c,) array
        t.
    activation : Activation, keyword only
        s, ReLU by default.

    Raises
    ------
    DataError
        If the shapes do not belong together or an entry is not finite.
    """

    hidden_weights: Floats
    hidden_biases: Floats
    output_weights: Floats
    intercept: Floats = field(default_factory=lambda: np.zeros(1))
    activation: Activation = field(default=RELU, kw_only=True)

    def __post_init__(self) -> None:
        names = ("hidden_weights", "hidden_biases", "output_weights", "intercept")
        dims = (2, 1, 2, 1)
        for name, ndim in zip(names, dims):
            array = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if array.ndim != ndim:
                raise DataError(f"{name} has shape {array.shape}; expected {ndim} dimensions.")
            if not np.isfinite(array).all():
                raise DataError(f"{name} contains NaN or infinity; all entries must be finite.")
            array = array.copy() if array is getattr(self, name) else array
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        m, c = self.output_weights.shape
        if self.hidden_weights.shape[0] != m or self.hidden_biases.shape != (m,) or self.intercept.shape != (c,):
            raise DataError(
                f"shapes do not match: hidden_weights {self.hidden_weights.shape}, hidden_biases "
                f"{self.hidden_biases.shape}, output_weights {self.output_weights.shape}, intercept "
                f"{self.intercept.shape}; expected (m, d), (m,), (m, c), (c,)."
            )

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons m."""
        return int(self.output_weights.shape[0])

    @property
    def n_features(self) -> int:
        """Number of inputs d."""
        return int(self.hidden_weights.shape[1])

    @property
    def n_outputs(self) -> int:
        """Number of outputs c."""
        return int(self.output_weights.shape[1])

    @property
    def layers(self) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Weight (out, in) and bias (out,) of the hidden and of the output layer."""
        return (self.hidden_weights, self.hidden_biases), (self.output_weights.T, self.intercept)

    def hidden(self, X: Floats) -> Floats:
        """Hidden neurons s(w_j.x + b_j) (n, m) at checked samples."""
        pre = X @ self.hidden_weights.T
        pre += self.hidden_biases
        return self.activation.value(pre, out=pre)

    def outputs(self, X: Floats) -> Floats:
        """Outputs (n, c) of checked samples, evaluated in blocks of rows."""
        if self.n_features == 1 and X.shape[0] * self.n_neurons > _BLOCK:
            w, b = self.hidden_weights[:, 0], self.hidden_biases
            return broken_line(X[:, 0], w, b, self.output_weights, self.intercept, self.activation.slope)
        out = np.empty((X.shape[0], self.n_outputs))
        for start in range(0, X.shape[0], _BLOCK):
            rows = slice(start, start + _BLOCK)
            out[rows] = self.hidden(X[rows]) @ self.output_weights + self.intercept
        return out

    def predict(self, X: ArrayLike) -> Floats:
        """Outputs at X (n, d): shape (n,) for one output, else (n, c).

        Raises
        ------
        DataError
            If X is not a finite numeric array with `n_features` columns.
        """
        f = self.outputs(check_points(X, n_features=self.n_features))
        return f[:, 0] if self.n_outputs == 1 else f

    def penalty(self, norm: Norm = "l2", bias: Bias = True) -> float:
        """Sum over neurons of ||w_j||_p ||a_j||_p: half the weight decay at the best rescaling.

        With ``bias="penalized"`` the bias is one more entry of w_j.
        """
        rows = self.hidden_weights
        if bias == "penalized":
            rows = np.hstack([rows, self.hidden_biases[:, None]])
        return float(row_norms(rows, norm) @ row_norms(self.output_weights, norm))

    def objective(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        beta: float,
        norm: Norm = "l2",
        loss: str = "squared_error",
        bias: Bias = True,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Training objective: loss(f(X); y) + beta/2 sum_j (||w_j||_p^2 + ||a_j||_p^2) at the best rescaling.

        Rescaling (w, b, a) -> (g w, g b, a / g) leaves f unchanged; the best g makes the penalty
        ``beta * sum ||w_j||_p ||a_j||_p`` (arXiv 2309.16512, section 6.12).

        Parameters
        ----------
        X : (n, d) array
        y : (n,) or (n, c) array
        beta : float
            Weight decay, the coefficient of half the squared norm; the loss is a sum over samples.
        norm : "l1" or "l2"
        loss : str
        bias : True, False or "penalized"
            Whether hidden biases count in the penalty ("penalized") or not.
        sample_weight : (n,) array, optional
        """
        points = check_points(X, n_features=self.n_features)
        norm, bias = check_norm(norm), check_bias(bias)
        beta = check_real("beta", beta, low=0.0)
        bound = LOSSES[loss](check_targets(y, len(points)), sample_weight)
        return float(bound.value(self.outputs(points)) + beta * self.penalty(norm, bias))

    def rescaled(self, norm: Norm = "l2", bias: Bias = True) -> ReLUNetwork:
        """The same function with ||w_j||_p = ||a_j||_p for every neuron; neurons without effect are dropped."""
        rows = self.hidden_weights
        if bias == "penalized":
            rows = np.hstack([rows, self.hidden_biases[:, None]])
        inner, outer = row_norms(rows, norm), row_norms(self.output_weights, norm)
        keep = (outer > 0) & ((inner > 0) | (self.activation.value(self.hidden_biases) != 0))
        # A neuron with w = 0 is a constant: it keeps its scale, no penalty acts on it.
        # Two roots, because the quotient of a large and a small length may overflow.
        factor = np.divide(np.sqrt(outer), np.sqrt(inner), out=np.ones_like(outer), where=inner > 0)[keep]
        return replace(
            self,
            hidden_weights=self.hidden_weights[keep] * factor[:, None],
            hidden_biases=self.hidden_biases[keep] * factor,
            output_weights=self.output_weights[keep] / factor[:, None],
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a safetensors file (no pickle, nothing is executed on load)."""
        from convexnn.network.io import write_network_file

        write_network_file(path, self.layers, self.activation)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> ReLUNetwork:
        """Read a network with one hidden layer, written by :meth:`save` or by :func:`convexnn.export.export_network`.

        Raises
        ------
        ModelFormatError
            If the file is damaged, edited or of another kind, or the network has more hidden layers.
        """
        from convexnn.network.io import read_network_file

        stored = read_network_file(path)
        if len(stored.layers) != 2:
            raise ModelFormatError(
                f"{path} holds a network with {len(stored.layers) - 1} hidden layers; read it with "
                "DeepReLUNetwork.load or convexnn.export.import_network."
            )
        (weight, bias), (outer, intercept) = stored.layers
        return cls(weight, bias, outer.T, intercept, activation=stored.activation)
