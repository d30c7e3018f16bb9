"""Dictionaries on disk are the dictionaries in memory, bit for bit, whatever interrupts the writing."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array, save_npz

import convexnn
from convexnn.data import make_spiral
from convexnn.dictionaries import sampled_dictionary
from convexnn.exceptions import DataError, DictionarySizeError, ModelFormatError, ParameterError
from convexnn.export import export_dictionary, load_dictionary

pytest.importorskip("pyarrow")
rng = np.random.default_rng(0)
DATA = {
    "general": rng.normal(size=(12, 2)),
    "line": rng.normal(size=(9, 1)),
    "grid": np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0)), axis=-1).reshape(-1, 2),
    "three": rng.normal(size=(7, 3)),
    "repeated": np.repeat(rng.normal(size=(4, 2)), 2, axis=0),
    "equal": np.ones((5, 2)),
}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def assert_same_atoms(a, b):
    for name in ("normals", "offsets", "generators", "orientation"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize(("norm", "bias"), [("l2", True), ("l2", False), ("l1", True), ("l2", "penalized")])
@pytest.mark.parametrize(("table", "matrix"), [("parquet", "npy"), ("json", "safetensors"), ("parquet", "npz")])
def test_round_trip_is_bit_equal(name, norm, bias, table, matrix, tmp_path):
    X = DATA[name]
    export_dictionary(X, tmp_path, norm=norm, bias=bias, table=table, matrix=matrix, block=10)
    saved, expected = load_dictionary(tmp_path), convexnn.dictionary(X, norm=norm, bias=bias)
    np.testing.assert_array_equal(saved.X, X)
    assert saved.n_atoms == expected.n_atoms
    assert_same_atoms(saved.atoms(), expected.atoms())
    np.testing.assert_array_equal(saved.matrix(), expected.matrix())
    assert_same_atoms(saved.dictionary().atoms(), expected.atoms())


def test_other_programs_read_the_files(tmp_path):
    pandas = pytest.importorskip("pandas")
    from safetensors.numpy import load_file

    X = DATA["general"]
    saved = export_dictionary(X, tmp_path / "a", matrix="safetensors", block=20)
    table = pandas.read_parquet(tmp_path / "a" / "atoms")
    assert list(table.columns) == [column["name"] for column in saved.manifest["columns"]]
    np.testing.assert_array_equal(table["offset"], convexnn.dictionary(X).atoms().offsets)
    matrix = load_file(tmp_path / "a" / "matrix.safetensors")["columns"].T
    np.testing.assert_array_equal(matrix, convexnn.dictionary(X).matrix())
    export_dictionary(X, tmp_path / "b", matrix="npz", table="json")
    with np.load(tmp_path / "b" / "matrix.npz") as archive:
        np.testing.assert_array_equal(archive["matrix"], matrix)
    export_dictionary(X, tmp_path / "c", matrix="npy")
    mapped = np.load(tmp_path / "c" / "matrix.npy", mmap_mode="r")
    assert mapped.flags.f_contiguous
    np.testing.assert_array_equal(mapped, matrix)


class Stop(Exception):
    pass


@pytest.mark.parametrize("matrix", ["npy", "npz", "safetensors"])
def test_an_interrupted_export_continues_to_the_same_files(matrix, tmp_path, monkeypatch):
    from convexnn.export import matrix_files
    from convexnn.export.sources import AllWedges

    monkeypatch.setattr(matrix_files, "_BLOCK_BYTES", 1000)
    X = DATA["general"]
    export_dictionary(X, tmp_path / "whole", matrix=matrix, block=16)
    true_columns, calls, limit = AllWedges.columns, [0], [0]

    def columns(self, part, rows):
        calls[0] += 1
        if calls[0] > limit[0]:
            raise Stop
        return true_columns(self, part, rows)

    def observer(done, parts):
        if done > limit[0]:
            raise Stop

    monkeypatch.setattr(AllWedges, "columns", columns)
    stops = 0
    while True:
        limit[0], calls[0] = limit[0] + 1, 0
        try:
            export_dictionary(X, tmp_path / "parts", matrix=matrix, block=16, observer=observer)
            break
        except Stop:
            stops += 1
            with pytest.raises(ModelFormatError, match=r"incomplete|not an exported"):
                load_dictionary(tmp_path / "parts")
    assert stops >= 5
    assert files(tmp_path / "parts") == files(tmp_path / "whole")


def test_a_killed_process_is_continued(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    code = (
        "import sys, time, numpy as np; from convexnn.export import export_dictionary\n"
        "slow = float(sys.argv[2])\n"
        "export_dictionary(np.random.default_rng(0).normal(size=(40, 2)), sys.argv[1], matrix='npy', block=40,\n"
        "                  observer=lambda done, parts: time.sleep(slow))"
    )
    subprocess.run([sys.executable, "-P", "-c", code, whole, "0"], check=True)
    process = subprocess.Popen([sys.executable, "-P", "-c", code, cut, "30"])
    for _ in range(2000):
        if (cut / "atoms" / "part-000000.parquet").exists():
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (cut / "matrix.npy").exists()
    (cut / "matrix.partial").write_bytes((whole / "matrix.npy").read_bytes()[:1001])  # cut within a column
    subprocess.run([sys.executable, "-P", "-c", code, cut, "0"], check=True)
    assert files(cut) == files(whole)


def test_coefficients_stand_at_their_atoms(tmp_path):
    X, y = make_spiral(40, random_state=0)
    result = convexnn.train(X, y, beta=0.01 * convexnn.beta_max(X, y), scope="dictionary")
    saved = export_dictionary(X, tmp_path / "a", result=result, matrix="npy", block=100)
    coef = saved.coefficients()
    assert coef.shape == (saved.n_atoms, 1)
    assert coef.nnz == result.network.n_neurons
    np.testing.assert_allclose(
        saved.matrix() @ coef.toarray()[:, 0] + result.intercept, result.network.predict(X), atol=1e-10
    )
    free = convexnn.train(X, y, beta=0.01 * convexnn.beta_max(X, y), scope="network")
    with pytest.raises(DataError, match="scope='dictionary'"):
        export_dictionary(X, tmp_path / "a", result=free, matrix="npy", block=100)
    own = export_dictionary(X, tmp_path / "b", atoms=free.atoms, result=free)
    np.testing.assert_array_equal(own.coefficients().toarray()[:, 0], free.coef)


def test_given_atoms_are_kept_as_they_are(tmp_path):
    X = DATA["three"]
    atoms = sampled_dictionary(X, size=9, kind="gaussian", random_state=0).atoms()
    saved = export_dictionary(X, tmp_path, atoms=atoms, matrix="npz", block=4)
    assert_same_atoms(saved.atoms(), atoms)
    np.testing.assert_array_equal(saved.matrix(), atoms.columns(X))
    with pytest.raises(ParameterError, match="given atoms"):
        saved.dictionary()
    with pytest.raises(DataError, match="features"):
        export_dictionary(DATA["line"], tmp_path / "other", atoms=atoms)


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DictionarySizeError, match="more bytes") as caught:
        export_dictionary(rng.normal(size=(3000, 3)), tmp_path, matrix="npy")
    assert caught.value.count > 3000 * 8 * 2 * 4_495_501_000
    assert not list(tmp_path.iterdir())
    with pytest.raises(DictionarySizeError):
        export_dictionary(DATA["general"], tmp_path, reserve=2**60)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    export_dictionary(DATA["general"], tmp_path / "a", block=30)
    before = files(tmp_path / "a")
    for X, options in [(DATA["grid"], {}), (DATA["general"], {"norm": "l1"}), (DATA["general"], {"matrix": "npy"})]:
        with pytest.raises(ParameterError, match="another dictionary"):
            export_dictionary(X, tmp_path / "a", block=30, **options)
    assert files(tmp_path / "a") == before
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").write_text("precious")
    with pytest.raises(ParameterError, match="not empty"):
        export_dictionary(DATA["general"], tmp_path / "b")


def test_damage_is_told(tmp_path):
    saved = export_dictionary(DATA["general"], tmp_path, matrix="npy", block=30)
    part = saved.part_paths[1]
    content = part.read_bytes()
    part.write_bytes(content[:100])
    with pytest.raises(ModelFormatError, match="part-000001"):
        load_dictionary(tmp_path).atoms()
    part.unlink()
    with pytest.raises(ModelFormatError, match="lacks 1 parts"):
        load_dictionary(tmp_path)
    part.write_bytes(content)
    (tmp_path / "matrix.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ModelFormatError, match=r"matrix\.npy"):
        load_dictionary(tmp_path).matrix()
    manifest = json.loads((tmp_path / "dictionary.json").read_text())
    (tmp_path / "dictionary.json").write_text(json.dumps(manifest | {"version": 99}))
    with pytest.raises(ModelFormatError, match="version 99"):
        load_dictionary(tmp_path)
    with pytest.raises(ModelFormatError, match="not an exported dictionary"):
        load_dictionary(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["dictionary.json", "samples.npy", "atoms/part-000001.parquet", "matrix.safetensors"])
def test_mutated_files_load_or_are_refused(name, tmp_path):
    export_dictionary(DATA["general"], tmp_path, matrix="safetensors", block=30)
    path, random = tmp_path / name, np.random.default_rng(0)
    content, refused = path.read_bytes(), 0
    for _ in range(150):
        changed = bytearray(content)
        changed[random.integers(len(changed))] ^= 1 << random.integers(8)
        path.write_bytes(changed[: random.integers(len(changed))] if random.random() < 0.2 else changed)
        try:
            saved = load_dictionary(tmp_path)
            saved.atoms()
            saved.matrix()
        except ModelFormatError:
            refused += 1
    assert refused > (20 if name == "matrix.safetensors" else 100)


@pytest.mark.parametrize("place", ["../other/matrix.npy", "/etc/hostname", "atoms/part-000000.jsonl", "samples.npy", 3])
def test_the_matrix_is_read_from_its_own_folder_only(place, tmp_path):
    folder = tmp_path / "here"
    export_dictionary(DATA["general"], folder, matrix="npy", table="json")
    export_dictionary(DATA["general"], tmp_path / "other", matrix="npy", table="json")
    manifest = json.loads((folder / "dictionary.json").read_text())
    (folder / "dictionary.json").write_text(json.dumps(manifest | {"matrix_file": place}))
    with pytest.raises(ModelFormatError, match="matrix_file"):
        load_dictionary(folder)


def _npy(shape):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": True, "shape": shape})
    return buffer.getvalue() + bytes(80)


@pytest.mark.parametrize("shape", [(10**12,), (2**40, 12), (-1, 10), (3,)])
@pytest.mark.parametrize("kind", ["samples", "npy", "npz", "packed", "lying"])
def test_declared_shapes_are_bounded_by_the_file(kind, shape, tmp_path):
    """No array of the declared size is made: the sizes here would need a terabyte."""
    saved = export_dictionary(DATA["general"], tmp_path, matrix="npy" if kind == "npy" else "npz", table="json")
    if kind in ("samples", "npy"):
        (tmp_path / ("samples.npy" if kind == "samples" else "matrix.npy")).write_bytes(_npy(shape))
    else:
        packing = zipfile.ZIP_DEFLATED if kind == "packed" else zipfile.ZIP_STORED
        with zipfile.ZipFile(tmp_path / "matrix.npz", "w", packing) as archive:
            archive.writestr("matrix.npy", _npy(shape))
        if kind == "lying":
            content = (tmp_path / "matrix.npz").read_bytes()
            stated = len(_npy(shape)).to_bytes(4, "little")
            (tmp_path / "matrix.npz").write_bytes(content.replace(stated, (2**31).to_bytes(4, "little")))
    with pytest.raises(ModelFormatError, match=r"samples\.npy|matrix\.np"):
        load_dictionary(tmp_path).matrix()
    assert saved.n_atoms


def test_coefficients_of_strangers_are_checked(tmp_path):
    X, y = DATA["general"], DATA["general"][:, 0]
    result = convexnn.train(X, y, beta=0.5, scope="dictionary")
    saved = export_dictionary(X, tmp_path, result=result, table="json")
    assert saved.coefficients().shape == (saved.n_atoms, 1)
    with zipfile.ZipFile(tmp_path / "coefficients.npz", "a") as archive:
        archive.writestr("more.npy", _npy((10**12,)))
    with pytest.raises(ModelFormatError, match="needs 8000000000000 bytes"):
        saved.coefficients()
    save_npz(tmp_path / "coefficients.npz", csr_array((3, 1)))
    with pytest.raises(ModelFormatError, match="3 rows"):
        saved.coefficients()
