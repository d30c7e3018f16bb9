"""Sampled dictionaries: unit hyperplanes through samples, each once, decided by the seed alone."""

import numpy as np
import pytest

from convexnn.dictionaries import dictionary, sampled_dictionary
from convexnn.dictionaries.sampled import draw_sketched
from convexnn.exceptions import DataError, DictionarySizeError, ParameterError
from convexnn.geometry.frame import make_frame

NORMS = ["l1", "l2"]
BIASES = [True, False, "penalized"]
KINDS = ["wedge", "sketched", "gaussian"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("n", "d"), [(40, 3), (60, 12), (30, 40), (25, 70)])
def test_atoms_have_length_one_and_pass_through_their_generators(n, d, norm, bias, kind):
    X = np.random.default_rng(d).normal(size=(n, d)) + 2.0
    D = sampled_dictionary(X, size=60, norm=norm, bias=bias, kind=kind, random_state=0)
    A = D.atoms()
    full = np.column_stack([A.normals, A.offsets]) if bias == "penalized" else A.normals
    np.testing.assert_allclose(np.linalg.norm(full, ord=int(norm[1]), axis=1), 1.0, rtol=1e-12)
    signed = X @ A.normals.T + A.offsets
    np.testing.assert_allclose(D.matrix(), np.maximum(signed, 0), atol=1e-11)
    for j, made in enumerate(A.generators):
        assert np.abs(signed[made[made < n], j]).max(initial=0) < 1e-10
        assert not full[j][made[made >= n] - n].any()
    assert D.n_atoms <= 120
    if kind == "gaussian" or n > d + 2 or norm == "l1":
        assert D.n_atoms == 120
    v = np.random.default_rng(1).normal(size=n)
    np.testing.assert_allclose(D.rmatvec(v), D.matrix().T @ v, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_alone(kind):
    X = np.random.default_rng(0).normal(size=(30, 9))
    a, b, c = (sampled_dictionary(X, size=20, kind=kind, random_state=s).atoms() for s in (1, 1, 2))
    np.testing.assert_array_equal(a.normals, b.normals)
    np.testing.assert_array_equal(a.generators, b.generators)
    assert not np.array_equal(a.normals, c.normals)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(
        sampled_dictionary(X, size=20, kind=kind, random_state=rng).atoms().normals, a.normals
    )


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("bias", BIASES)
def test_a_sample_is_part_of_the_whole(norm, bias):
    """Every sampled wedge is, up to orientation, a hyperplane of the full dictionary, and none comes twice."""
    X = np.random.default_rng(0).integers(0, 4, size=(14, 3)).astype(float)
    whole = dictionary(X, norm=norm, bias=bias).hyperplanes
    part = sampled_dictionary(X, size=50, norm=norm, bias=bias, random_state=0).hyperplanes
    rows = [np.column_stack([p.normals, p.offsets]) for p in (whole, part)]
    plus = np.abs(rows[1][:, None] - rows[0][None]).max(axis=2) < 1e-9
    minus = np.abs(rows[1][:, None] + rows[0][None]).max(axis=2) < 1e-9
    assert ((plus | minus).sum(axis=1) == 1).all()
    assert ((plus | minus).sum(axis=0) <= 1).all()


def test_asking_for_more_than_there_is_gives_all():
    X = np.random.default_rng(0).normal(size=(6, 2))
    np.testing.assert_array_equal(
        sampled_dictionary(X, size=10**6, random_state=0).atoms().normals, dictionary(X).atoms().normals
    )


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rows_have_nothing_to_sample(kind):
    D = sampled_dictionary(np.ones((5, 3)), size=10, kind=kind, random_state=0)
    assert D.n_atoms == 0
    assert D.matrix().shape == (5, 0)


def test_duplicates_of_one_sample_still_end():
    """Nearly all rows are copies: few wedges exist, and the draw ends with fewer than asked."""
    X = np.vstack([np.zeros((200, 2)), np.random.default_rng(0).integers(0, 3, size=(40, 2))])
    D = sampled_dictionary(X, size=15, random_state=0)
    assert 0 < D.n_atoms <= 30
    full = dictionary(X)
    assert full.n_atoms <= 2 * 36


def test_sketches_are_lifted_from_few_dimensions():
    """s - 1 samples lie on a sketched hyperplane, and a sketch as wide as the data is a plain wedge."""
    frame = make_frame(np.random.default_rng(0).normal(size=(50, 20)), norm="l2", bias=False)
    planes = draw_sketched(frame, 10, np.random.default_rng(0), sketch_dim=5)
    assert planes.generators.shape == (10, 4)
    assert ((np.abs(frame.points @ planes.normals.T) < 1e-12).sum(axis=0) == 4).all()
    plain = draw_sketched(frame, 10, np.random.default_rng(0), sketch_dim=20)
    assert plain.generators.shape == (10, 19)


def test_random_subsets_prefer_no_row():
    """Every sample generates about the same number of wedges (chi-square far in the tail)."""
    X = np.random.default_rng(0).normal(size=(40, 6))
    for norm in NORMS:
        made = sampled_dictionary(X, size=4000, norm=norm, bias=True, random_state=0).hyperplanes.generators
        counts = np.bincount(made.ravel(), minlength=46 if norm == "l1" else 40)
        expected = counts.mean()
        assert ((counts - expected) ** 2 / expected).sum() < 2.2 * len(counts)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"kind": "uniform"}, ParameterError),
        ({"size": 0}, ParameterError),
        ({"norm": 2}, ParameterError),
        ({"X": [[1.0, np.inf]]}, DataError),
        ({"size": 10**9}, DictionarySizeError),
    ],
)
def test_bad_input_is_named(change, error):
    arguments = {"X": np.eye(3), "size": 5} | change
    with pytest.raises(error):
        sampled_dictionary(arguments.pop("X"), **arguments)
