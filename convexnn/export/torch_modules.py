"""Networks as PyTorch modules, and back."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from convexnn._types import Floats
from convexnn.exceptions import DataError, ModelFormatError, ParameterError, SolverUnavailableError
from convexnn.export.models import as_deep, as_simple, common_activation, find_network, make_notes
from convexnn.network import Activation, DeepReLUNetwork, ReLUNetwork

__all__ = ["from_torch", "load_torch", "save_torch", "to_torch", "torch_notes"]


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise SolverUnavailableError("this needs PyTorch; install it with `pip install torch`.") from error
    return torch


def to_torch(model: Any, *, dtype: str = "float64") -> Any:
    """A network as ``nn.Sequential(Linear, ReLU, ..., Linear)`` with outputs (n, c); LeakyReLU for another slope.

    Parameters
    ----------
    model : ReLUNetwork, DeepReLUNetwork, TrainingResult or fitted estimator
    dtype : "float64" or "float32"

    Returns
    -------
    torch.nn.Sequential
        In evaluation mode, on the CPU, with gradients enabled: it can be trained further.

    Raises
    ------
    SolverUnavailableError
        If PyTorch is not installed.
    """
    network = as_deep(find_network(model))
    if dtype not in ("float32", "float64"):
        raise ParameterError(f"dtype={dtype!r} is unknown; choose 'float32' or 'float64'.")
    torch = _torch()
    kind = getattr(torch, dtype)
    modules: list[Any] = []
    for weight, bias in network.layers:
        # skip_init draws no random numbers: exporting leaves the user's seed alone.
        linear = torch.nn.utils.skip_init(torch.nn.Linear, weight.shape[1], weight.shape[0], dtype=kind)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.array(weight)))
            linear.bias.copy_(torch.from_numpy(np.array(bias)))
        slope = network.activation.slope
        modules += [linear, torch.nn.LeakyReLU(slope) if slope else torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1]).eval()


def from_torch(module: Any) -> ReLUNetwork | DeepReLUNetwork:
    """The network of a ``nn.Sequential`` of Linear and ReLU in turn (Flatten, Identity and Dropout are skipped).

    LeakyReLU is read too, if its slope is the same everywhere.

    Raises
    ------
    DataError
        If there are other modules in it.
    """
    torch = _torch()
    skipped = (torch.nn.Flatten, torch.nn.Identity, torch.nn.Dropout)
    parts = [part for part in module.children() if not isinstance(part, skipped)]
    layers, slopes = [], []
    for k, part in enumerate(parts):
        expected = (torch.nn.ReLU, torch.nn.LeakyReLU) if k % 2 else (torch.nn.Linear,)
        if not isinstance(part, expected):
            raise DataError(
                f"module {k} is {type(part).__name__}; expected {expected[0].__name__}, in turn from Linear."
            )
        if k % 2:
            slopes.append(float(getattr(part, "negative_slope", 0.0)))
        if k % 2 == 0:
            weight = part.weight.detach().cpu().double().numpy()
            bias = np.zeros(len(weight)) if part.bias is None else part.bias.detach().cpu().double().numpy()
            layers.append((weight, bias))
    if len(parts) % 2 == 0:
        raise DataError(f"the module has {len(parts)} parts; it must end with Linear.")
    return as_simple(DeepReLUNetwork(tuple(layers), activation=common_activation(slopes)))


def save_torch(
    model: Any, path: str | PathLike[str], *, dtype: str = "float64", metadata: Mapping[str, str] | None = None
) -> None:
    """Write ``{"state_dict": ..., "metadata": ...}`` so that ``torch.load(path, weights_only=True)`` reads it."""
    state = to_torch(model, dtype=dtype).state_dict()
    notes = {**make_notes(model, metadata), "slope": repr(find_network(model).activation.slope)}
    _torch().save({"state_dict": dict(state), "metadata": notes}, path)


def load_torch(path: str | PathLike[str]) -> ReLUNetwork | DeepReLUNetwork:
    """Read a file of :func:`save_torch`, or a bare state dict of Linear layers; nothing in it is executed.

    Raises
    ------
    ModelFormatError
        If the file is of another kind.
    """
    content = _load(path)
    state = content.get("state_dict", content)
    try:
        activation = Activation(float(content.get("metadata", {}).get("slope", 0.0)))
        stems = [name[: -len("weight")] for name in state if name.endswith(".weight")]
        layers = tuple(_layer(state, stem) for stem in stems)
        return as_simple(DeepReLUNetwork(layers, activation=activation))
    except (DataError, ParameterError, AttributeError, ValueError, TypeError, IndexError) as error:
        raise ModelFormatError(f"{path} is not a chain of linear layers: {error}") from error


def _layer(state: dict[str, Any], stem: str) -> tuple[Floats, Floats]:
    weight: Floats = state[f"{stem}weight"].double().numpy()
    bias = state.get(f"{stem}bias")
    return weight, np.zeros(len(weight)) if bias is None else bias.double().numpy()


def torch_notes(path: str | PathLike[str]) -> dict[str, str]:
    """The notes of a file of :func:`save_torch`, among them "certificate" as JSON."""
    return dict(_load(path).get("metadata", {}))


def _load(path: str | PathLike[str]) -> dict[str, Any]:
    torch = _torch()
    with open(path, "rb"):
        pass  # A missing file is the caller's error, not a damaged model.
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises pickle, zip, runtime and value errors alike
        raise ModelFormatError(f"{path} is not a PyTorch file with weights only ({error}).") from error
    if not isinstance(content, dict):
        raise ModelFormatError(f"{path} holds {type(content).__name__}; expected a state dict.")
    return content
