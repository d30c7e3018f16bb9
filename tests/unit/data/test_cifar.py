"""CIFAR-10 is read from the authors' binary archive, whose layout is rebuilt here in small."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from convexnn.data import CIFAR10_CLASSES, load_cifar10
from convexnn.exceptions import DataError, ParameterError


@pytest.fixture
def archive(tmp_path):
    """Six files of four records: a label byte, then the red, green and blue planes row by row."""
    rng = np.random.default_rng(0)
    content = {}
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name in [f"data_batch_{k}.bin" for k in range(1, 6)] + ["test_batch.bin"]:
            labels = np.array([1, 8, 3, 1], dtype=np.uint8)
            planes = rng.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
            data = b"".join(bytes([label]) + plane.tobytes() for label, plane in zip(labels, planes))
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            content[name] = labels, planes
    return tmp_path, content


def test_pixels_and_labels(archive):
    folder, content = archive
    X, y, X_test, y_test = load_cifar10(data_home=folder)
    assert X.shape == (20, 32, 32, 3)
    assert X_test.shape == (4, 32, 32, 3)
    np.testing.assert_array_equal(y_test, [1, 8, 3, 1])
    planes = content["test_batch.bin"][1]
    assert X_test[2, 5, 7, 1] == planes[2, 1, 5, 7]
    np.testing.assert_array_equal(y[:4], content["data_batch_1.bin"][0])


def test_some_classes_are_numbered_in_the_order_asked_for(archive):
    X, y, _, y_test = load_cifar10(data_home=archive[0], classes=("ship", "automobile"))
    assert len(X) == 15
    np.testing.assert_array_equal(y_test, [1, 0, 1])
    assert set(y) == {0, 1}


def test_errors_say_what_to_do(archive, tmp_path):
    with pytest.raises(ParameterError, match="'boat'"):
        load_cifar10(data_home=archive[0], classes=("boat",))
    with pytest.raises(DataError, match="absent"):
        load_cifar10(data_home=tmp_path / "nowhere", download=False)
    (archive[0] / "cifar-10-binary.tar.gz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="remove it"):
        load_cifar10(data_home=archive[0])
    assert len(CIFAR10_CLASSES) == 10
