"""A dictionary on disk, read part by part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from convexnn._checks import check_points
from convexnn._types import Bias, Floats, Norm
from convexnn.dictionaries import Atoms, Dictionary, dictionary
from convexnn.dictionaries.budget import MAX_BYTES, check_byte_budget
from convexnn.exceptions import ModelFormatError, ParameterError
from convexnn.export.array_files import DAMAGED, check_npz, read_npy
from convexnn.export.atom_tables import TABLES, bytes_per_atom, part_name, read_part
from convexnn.export.matrix_files import MATRICES, open_matrix
from convexnn.export.sources import digest_of

__all__ = ["FORMAT", "MANIFEST", "VERSION", "SavedDictionary", "load_dictionary", "read_manifest"]

FORMAT, VERSION, MANIFEST = "convexnn-dictionary", 1, "dictionary.json"

# Fields of the manifest: from the beginning, and once the export is complete.
_FIELDS: dict[str, Any] = {
    "kind": str, "norm": str, "bias": (bool, str), "table": str, "fingerprint": str, "columns": list, "complete": bool,
}  # fmt: skip
_LATER: dict[str, Any] = {"n_atoms": int, "parts": list, "matrix_file": (str, type(None))}


@dataclass(frozen=True)
class SavedDictionary:
    """What :func:`convexnn.export.export_dictionary` wrote; nothing but the samples is in memory.

    Attributes
    ----------
    folder : Path
    X : (n, d) array
        The samples.
    norm, bias :
        Which dictionary.
    n_atoms : int
    manifest : dict
        Contents of ``dictionary.json``.
    """

    folder: Path
    X: Floats
    norm: Norm
    bias: Bias
    n_atoms: int
    manifest: dict[str, Any] = field(repr=False)

    @property
    def part_paths(self) -> list[Path]:
        """Files of the table, in the order of the atoms."""
        table = self.manifest["table"]
        return [self.folder / "atoms" / part_name(k, table) for k in range(len(self.manifest["parts"]))]

    @property
    def _columns(self) -> tuple[int, int]:
        """Numbers of columns of normals and of generators."""
        names = [str(column["name"]) for column in self.manifest["columns"]]
        return self.X.shape[1], sum(name.startswith("generator_") for name in names)

    def parts(self) -> Iterator[Atoms]:
        """The atoms, one part after another; parts without atoms (degenerate data) are left out.

        Raises
        ------
        ModelFormatError
            If a part is damaged or missing.
        """
        for path, count in zip(self.part_paths, self.manifest["parts"], strict=True):
            part = read_part(path)
            found = (part.normals.shape[1], part.generators.shape[1])
            if len(part) != count or (count and found != self._columns):
                raise ModelFormatError(
                    f"{path} has {len(part)} atoms with {found} columns of normals and generators, but {MANIFEST} says "
                    f"{count} with {self._columns}; export again."
                )
            if count:
                yield part

    def atoms(self, *, max_bytes: int = MAX_BYTES) -> Atoms:
        """All atoms in memory.

        Raises
        ------
        DictionarySizeError
            If they need more than `max_bytes`; use :meth:`parts` then.
        """
        d, k = self._columns
        needed = self.n_atoms * bytes_per_atom("parquet", d, 2 * k)
        check_byte_budget("the list of atoms", needed, max_bytes, "Read it with parts(), or raise max_bytes.")
        empty = Atoms(np.zeros((0, d)), np.zeros(0), np.zeros((0, k), dtype=np.int64), np.zeros(0, dtype=np.int64))
        parts = list(self.parts()) or [empty]
        names = ("normals", "offsets", "generators", "orientation")
        return Atoms(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def matrix(self) -> Floats:
        """Responses (n, n_atoms): a read-only memory map (npy, safetensors), or an array (npz).

        Raises
        ------
        ParameterError
            If the export has no matrix.
        """
        if self.manifest["matrix_file"] is None:
            raise ParameterError(f"{self.folder} has no matrix; export with matrix='npy', or use dictionary().")
        return open_matrix(self.folder / self.manifest["matrix_file"], len(self.X), self.n_atoms)

    def coefficients(self) -> Any:
        """Coefficients of the trained network, a scipy.sparse array (n_atoms, c).

        Raises
        ------
        ParameterError
            If the export has none.
        ModelFormatError
            If the file is damaged or edited.
        """
        from scipy.sparse import load_npz

        path = self.folder / "coefficients.npz"
        if not path.exists():
            raise ParameterError(f"{self.folder} has no coefficients; export with result=train(...).")
        try:
            check_npz(path)
            found = load_npz(path)
        except DAMAGED as error:
            raise ModelFormatError(f"{path} is not a sparse matrix ({error}); export again.") from error
        if found.shape[0] != self.n_atoms:
            raise ModelFormatError(f"{path} has {found.shape[0]} rows for {self.n_atoms} atoms; export again.")
        return found

    def dictionary(self, **limits: int) -> Dictionary:
        """The dictionary as a value, enumerated again from the samples (`limits` as of convexnn.dictionary).

        Raises
        ------
        ParameterError
            If only some atoms were exported.
        """
        if self.manifest["kind"] != "all wedges":
            raise ParameterError(f"{self.folder} holds given atoms, not a whole dictionary; use atoms().")
        return dictionary(self.X, norm=self.norm, bias=self.bias, **limits)


def load_dictionary(folder: str | PathLike[str]) -> SavedDictionary:
    """Open a folder written by :func:`convexnn.export.export_dictionary`.

    Raises
    ------
    ModelFormatError
        If the export is incomplete, damaged, or of another kind.
    """
    place = Path(folder)
    manifest = read_manifest(place)
    if not manifest["complete"]:
        raise ModelFormatError(f"{place} is incomplete; call export_dictionary with the same arguments to finish it.")
    try:
        X = check_points(read_npy(place / "samples.npy"))
    except DAMAGED as error:
        raise ModelFormatError(f"{place / 'samples.npy'} is damaged ({error}); export again.") from error
    if manifest["kind"] == "all wedges" and digest_of(X) != manifest["fingerprint"]:
        raise ModelFormatError(f"{place / 'samples.npy'} does not have the fingerprint of {MANIFEST}; export again.")
    saved = SavedDictionary(place, X, manifest["norm"], manifest["bias"], manifest["n_atoms"], manifest)
    missing = [path.name for path in saved.part_paths if not path.is_file()]
    if missing or sum(manifest["parts"]) != saved.n_atoms:
        raise ModelFormatError(f"{place} lacks {len(missing)} parts of its table; export again.")
    return saved


def read_manifest(folder: Path) -> dict[str, Any]:
    """The contents of ``dictionary.json``.

    Raises
    ------
    ModelFormatError
        If it is missing, damaged, or of another kind or version.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFormatError(f"{folder} is not an exported dictionary ({error}).") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelFormatError(f"{folder / MANIFEST} is not the manifest of a dictionary.")
    if manifest.get("version") != VERSION:
        raise ModelFormatError(f"{folder} has version {manifest.get('version')!r}; this release reads {VERSION}.")
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(manifest.get(name, ...), kind)]
    if manifest.get("complete"):
        wrong += [name for name, kind in _LATER.items() if not isinstance(manifest.get(name, ...), kind)]
        wrong += ["parts" for count in manifest.get("parts") or () if type(count) is not int or count < 0][:1]
        # A name of our own, so that no file outside the folder is opened.
        if manifest.get("matrix_file") not in (None, *MATRICES.values()):
            wrong.append("matrix_file")
    if manifest.get("table") not in TABLES:
        wrong.append("table")
    if wrong or not all(isinstance(column, dict) and "name" in column for column in manifest["columns"]):
        raise ModelFormatError(f"{folder / MANIFEST} is damaged: {', '.join(wrong) or 'columns'}; export again.")
    return manifest
