"""A trained model as a folder: network.safetensors, certificate.json, and model.json with how it was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from convexnn._types import Bias, Norm
from convexnn.certificate import Certificate
from convexnn.cli.outputs import new_files
from convexnn.exceptions import ModelFormatError, ParameterError
from convexnn.geometry.interactions import PAIRS, SINGLE
from convexnn.losses.registry import current_name
from convexnn.network import ReLUNetwork

__all__ = ["Recipe", "bias_from_word", "groups_from_words", "load_model", "save_model"]

_BIAS: dict[str, Bias] = {"free": True, "none": False, "penalized": "penalized"}


def bias_from_word(word: str) -> Bias:
    """The value of `bias` for a word of the command line."""
    return _BIAS[word]


def groups_from_words(words: str | None, features: list[str]) -> Any:
    """The value of `interaction_cst` for a name, or for groups of columns such as "a,b;c".

    Raises
    ------
    ParameterError
        If a column is not among the features.
    """
    if words is None or words in (SINGLE, PAIRS):
        return words
    place = {name: k for k, name in enumerate(features)}
    groups = [[name.strip() for name in group.split(",")] for group in words.split(";")]
    unknown = [name for group in groups for name in group if name not in place]
    if unknown:
        raise ParameterError(
            f"--interaction-cst {words!r}: {unknown[0]!r} is no feature; expected {SINGLE}, {PAIRS}, or groups of "
            "features such as a,b;c."
        )
    return [[place[name] for name in group] for group in groups]


@dataclass(frozen=True)
class Recipe:
    """Which columns and parameters a network was trained with.

    Attributes
    ----------
    target : str
    features : list of str
    norm, bias, beta, loss, interaction_cst :
        As in :func:`convexnn.train`.
    classes : list of str, optional
        Labels in order, if they are what is predicted.
    table : dict, optional
        How the columns become numbers (:meth:`convexnn.data.TableRecipe.to_json`); by default they are numbers.
    split : dict, optional
        Share of the rows kept for a test, seed, and number of rows with a target.
    """

    target: str
    features: list[str]
    beta: float
    norm: Norm
    bias: Bias
    loss: str = "squared_error"
    interaction_cst: Any = None
    classes: list[str] | None = None
    table: dict[str, Any] | None = None
    split: dict[str, Any] | None = None


def save_model(folder: Path, network: ReLUNetwork, certificate: Certificate, recipe: Recipe) -> None:
    """Write the three files of a model; the folder is made if needed."""
    with new_files(folder) as place:
        network.save(place / "network.safetensors")
        certificate.save(place / "certificate.json")
        (place / "model.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


def load_model(path: Path) -> tuple[ReLUNetwork, Recipe | None]:
    """Read a model folder, or a single network file (then without a recipe).

    Raises
    ------
    ModelFormatError
        If a file is missing, damaged or edited.
    """
    if not path.is_dir():
        return ReLUNetwork.load(path), None
    for name in ("network.safetensors", "model.json"):
        if not (path / name).is_file():
            raise ModelFormatError(f"{path} has no {name}; expected a folder written by `convexnn fit`.")
    return ReLUNetwork.load(path / "network.safetensors"), _read_recipe(path / "model.json")


def _read_recipe(path: Path) -> Recipe:
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        recipe = Recipe(**fields)
        recipe = replace(recipe, loss=current_name(recipe.loss))
    except (TypeError, ValueError) as error:
        raise ModelFormatError(f"{path} is damaged ({error}); run `convexnn fit` again.") from error
    texts = isinstance(recipe.target, str) and isinstance(recipe.features, list)
    if not texts or not all(isinstance(name, str) for name in recipe.features):
        raise ModelFormatError(f"{path}: target and features must be column names; run `convexnn fit` again.")
    _check_tables(path, recipe)
    return recipe


def _check_tables(path: Path, recipe: Recipe) -> None:
    """Raise ModelFormatError unless labels, split and table are what fit writes."""
    split, classes = recipe.split or {}, recipe.classes
    good = classes is None or (isinstance(classes, list) and all(isinstance(label, str) for label in classes))
    numbers = isinstance(split, dict) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in split.values()
    )
    if not good or not numbers or (split and set(split) != {"test_size", "seed", "rows"}):
        raise ModelFormatError(f"{path}: labels or split are damaged; run `convexnn fit` again.")
    if recipe.table is not None:
        from convexnn.data import TableRecipe

        TableRecipe.from_json(json.dumps(recipe.table))
