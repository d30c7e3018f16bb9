"""Dictionaries against brute force and exact arithmetic, on general and degenerate data."""


import numpy as np
import pytest
from reference_geometry import (
    brute_hyperplanes,
    columns_of,
    exact_hyperplanes,
    primitive,
    same_columns,
)
from reference_optima import OPTIMA

from convexnn.dictionaries import Dictionary, count_atoms, dictionary, iter_atoms
from convexnn.exceptions import DataError, DictionarySizeError, ParameterError

NORMS = ["l1", "l2"]
BIASES = [True, False, "penalized"]
GRID = np.array([[i, j] for i in range(4) for j in range(3)], dtype=float)


def integers(seed, n, d, high=4):
    return np.random.default_rng(seed).integers(-high, high + 1, size=(n, d)).astype(float)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize(
    "X",
    [
        GRID,
        np.repeat(GRID[:6], 2, axis=0),
        np.column_stack([GRID[:8], GRID[:8, 0] ** 2]),
        integers(0, 7, 3, high=2),
        integers(1, 9, 2, high=2),
        integers(2, 6, 4, high=1),
        np.vstack([np.zeros((2, 3)), np.eye(3), -np.eye(3), 2 * np.eye(3)]),
        np.arange(6.0)[:, None] // 2 - 1,
    ],
)
def test_every_hyperplane_of_integer_data_exactly_once(X, norm, bias):
    """Ties, duplicates, collinear and coplanar points: the set in rational arithmetic is the truth."""
    K = dictionary(X, norm=norm, bias=bias)
    augmented = np.column_stack([X, np.ones(len(X))]) if bias == "penalized" else X
    names = set()
    for subset, atom in zip(K.hyperplanes.generators, K.atoms(np.arange(0, K.n_atoms, 2)).normals):
        names.add(name_of(subset, augmented, bias))
        assert np.isfinite(atom).all()
    assert len(names) == len(K.hyperplanes)
    assert names == exact_hyperplanes(X, norm, bias)


def name_of(subset, X, bias):
    """Exact hyperplane of the generators an atom names."""
    n, d = X.shape
    rows = [[int(x) for x in (X[i] if i < n else np.eye(d)[i - n])] for i in subset]
    if bias is not True:
        return primitive([*exact_cross_of(rows, d), 0])
    edges = [[a - b * (i < n) for a, b in zip(row, rows[0])] for i, row in zip(subset[1:], rows[1:])]
    u = exact_cross_of(edges, d)
    return primitive([*u, -sum(a * b for a, b in zip(u, rows[0]))])


def exact_cross_of(rows, d):
    from reference_geometry import exact_cross

    return exact_cross(rows, d)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("scale", [1e-150, 1e-12, 1.0, 1e12, 1e150])
@pytest.mark.parametrize(
    "X",
    [
        np.random.default_rng(0).normal(size=(6, 2)),
        np.random.default_rng(1).normal(size=(5, 3)),
        np.random.default_rng(2).normal(size=(3, 5)),
        np.random.default_rng(3).normal(size=(1, 2)),
        np.random.default_rng(4).normal(size=(7, 1)),
        np.column_stack([np.random.default_rng(5).normal(size=(6, 2)), np.full(6, 0.3)]),
        np.random.default_rng(6).normal(size=(7, 2)) @ np.random.default_rng(7).normal(size=(2, 3)),
        GRID,
    ],
)
def test_the_matrix_is_that_of_brute_force(X, norm, bias, scale):
    """Same columns, each once, relative to the size of the data, at every scale and rank."""
    if bias == "penalized" and scale != 1.0:
        X = X * np.sqrt(max(min(scale, 1e6), 1e-6))
    else:
        X = X * scale
    K = dictionary(X, norm=norm, bias=bias)
    size = np.abs(X).max() if bias != "penalized" else max(1.0, np.abs(X).max())
    # The reference works with absolute tolerances: give it data of size one.
    if bias == "penalized":
        expected = columns_of(brute_hyperplanes(X, norm, bias, tolerance=1e-10), X, bias) / size
    else:
        expected = columns_of(brute_hyperplanes(X / size, norm, bias), X / size, bias)
    found = K.matrix() / size
    assert K.n_atoms == expected.shape[1]
    assert same_columns(found, expected, 1e-9)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("bias", BIASES)
def test_products_are_those_of_the_matrix(norm, bias):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9, 2))
    D = dictionary(X, norm=norm, bias=bias)
    K = D.matrix(order="C")
    assert K.flags.c_contiguous
    assert D.matrix().flags.f_contiguous
    assert D.shape == K.shape == (9, D.n_atoms)
    np.testing.assert_array_equal(K, D.matrix("F"))
    v, V = rng.normal(size=9), rng.normal(size=(9, 3))
    z, Z = rng.normal(size=D.n_atoms), rng.normal(size=(D.n_atoms, 2))
    z[::3] = 0.0
    np.testing.assert_allclose(D.rmatvec(v), K.T @ v, atol=1e-12)
    np.testing.assert_allclose(D.rmatvec(V), K.T @ V, atol=1e-12)
    np.testing.assert_array_equal(D.rmatvec(V, n_jobs=2), D.rmatvec(V))
    np.testing.assert_allclose(D.matvec(z), K @ z, atol=1e-12)
    np.testing.assert_allclose(D.matvec(Z), K @ Z, atol=1e-12)
    some = np.array([3, 0, 3, D.n_atoms - 1])
    np.testing.assert_array_equal(D.columns(some), K[:, some])
    np.testing.assert_array_equal(D.columns(np.arange(D.n_atoms) % 2 == 1), K[:, 1::2])
    np.testing.assert_array_equal(D.columns(slice(2, 5)), K[:, 2:5])
    assert D.columns([]).shape == (9, 0)
    for budget in (1, 9 * 8 * 5, 10**9):
        parts = list(D.blocks(budget))
        np.testing.assert_array_equal(np.hstack([block for _, block in parts]), K)
        assert all(block.nbytes <= max(budget, 9 * 8) for _, block in parts)
        assert [part.start for part, _ in parts[1:]] == [part.stop for part, _ in parts[:-1]]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_atoms_are_the_neurons_of_the_columns(norm, bias, d):
    """Normals of length one in input coordinates; K = (X u + c)_+; the generators lie on the hyperplane."""
    X = np.random.default_rng(d).normal(size=(6, d)) * 7 + 100
    D = dictionary(X, norm=norm, bias=bias)
    A, K = D.atoms(), D.matrix()
    assert len(A) == D.n_atoms
    # Offsets of size 100: eps * 100 times a few.
    np.testing.assert_allclose(A.columns(X), K, atol=1e-11)
    full = np.column_stack([A.normals, A.offsets]) if bias == "penalized" else A.normals
    np.testing.assert_allclose(np.linalg.norm(full, ord=int(norm[1]), axis=1), 1.0, rtol=1e-13)
    np.testing.assert_array_equal(A.orientation, np.tile([1, -1], len(A) // 2))
    np.testing.assert_array_equal(A.normals[0::2], -A.normals[1::2])
    if bias is False:
        assert not A.offsets.any()
    for j, made in enumerate(A.generators):
        samples = made[made < len(X)]
        assert (K[samples, j] == 0).all()
        assert np.abs(X[samples] @ A.normals[j] + A.offsets[j]).max(initial=0) < 1e-11
        axes = made[made >= len(X)] - len(X)
        assert not full[j][axes].any()
        assert len(made) == D.frame.subset_size
    picked = A.select([1, 0])
    np.testing.assert_array_equal(picked.normals, D.atoms([1, 0]).normals)
    assert len(A.select([])) == 0
    assert len(A.select(slice(1, None))) == len(A) - 1


def test_streamed_atoms_are_those_of_the_dictionary():
    D = dictionary(np.random.default_rng(0).normal(size=(8, 3)), norm="l1")
    parts = list(iter_atoms(D.frame, block=10))
    whole = D.atoms()
    for name in ("normals", "offsets", "generators", "orientation"):
        streamed = np.concatenate([getattr(p, name) for p in parts])
        np.testing.assert_array_equal(streamed, getattr(whole, name))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("noise", [0.0, 1e-15, 1e-13, 1e-11])
def test_near_duplicates_count_as_the_same_point(norm, bias, noise):
    """Copies of the samples moved by up to 1e-11 add no hyperplane and take part in none."""
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(6, 2)), GRID[:4] * 0.5 + 0.25])
    copies = X + noise * rng.uniform(-1, 1, size=X.shape)
    D, doubled = dictionary(X, norm=norm, bias=bias), dictionary(np.vstack([X, copies]), norm=norm, bias=bias)
    assert doubled.n_atoms == D.n_atoms
    made = doubled.hyperplanes.generators
    assert ((made < len(X)) | (made >= 2 * len(X))).all()
    assert same_columns(doubled.matrix()[: len(X)], D.matrix(), 1e-9)


def nasty(rng):
    """Small data with ties, affine images of grids, offsets, lines."""
    d = int(rng.integers(1, 5))
    n = int(rng.integers(1, 9 if d < 4 else 7))
    kind = rng.integers(5)
    grid = rng.integers(-2, 3, size=(n, d))
    if kind == 0:
        return grid * np.pi + 0.1
    if kind == 1:
        return rng.integers(0, 3, size=(n, 1)) @ rng.normal(size=(1, d)) + rng.normal(size=d)
    if kind == 2:
        return np.round(rng.normal(size=(n, d)), 1) + 30
    if kind == 3:
        return rng.integers(-1, 2, size=(n, d)) @ rng.normal(size=(d, d))
    return rng.normal(size=(n, d))[rng.integers(0, n, size=n)]


@pytest.mark.parametrize("seed", range(150))
def test_random_nasty_data_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    X = nasty(rng)
    norm, bias = NORMS[rng.integers(2)], BIASES[rng.integers(3)]
    planes = brute_hyperplanes(X, norm, bias, tolerance=1e-9)
    size = np.abs(X).max() + 1
    found = dictionary(X, norm=norm, bias=bias).matrix() / size
    assert found.shape[1] == 2 * len(planes)
    assert same_columns(found, columns_of(planes, X, bias) / size, 1e-9)


def test_points_collinear_up_to_rounding_are_one_line():
    """Fifty points of 0.1 + 0.7 t have one line, not a thousand that differ in the last digit."""
    t = np.random.default_rng(0).uniform(size=50)
    X = np.column_stack([t, 0.1 + 0.7 * t, 3 - 2 * t])
    assert dictionary(X, norm="l2").n_atoms == 2 * 50
    off = np.vstack([X, [[5.0, -1.0, 2.0]]])
    # In the plane of the line and one point: the line, and one line from the point to each.
    assert dictionary(off, norm="l2").n_atoms == 2 * 51


@pytest.mark.parametrize("n", [1, 4])
def test_equal_rows_leave_nothing_to_cut(n):
    """All rows equal: no l2 hyperplane with bias, u = +-x without; silent axes only for l1."""
    X = np.full((n, 2), 0.1)
    assert dictionary(X, bias=True).n_atoms == 0
    assert dictionary(X, bias=False).n_atoms == 2
    assert dictionary(np.zeros((n, 2)), bias=False).n_atoms == 0
    empty = dictionary(X, bias=True)
    assert empty.matrix().shape == (n, 0)
    assert empty.rmatvec(np.ones(n)).shape == (0,)
    assert not empty.matvec(np.zeros(0)).any()
    assert len(empty.atoms()) == 0
    assert empty.atoms().normals.shape == (0, 2)
    l1 = dictionary(X, norm="l1", bias=True)
    assert l1.n_atoms == 4
    assert not l1.matrix().any()


def test_zero_columns_are_kept():
    """Extreme points have hyperplanes with all samples on one side; the count stays that of the formula."""
    X = np.random.default_rng(0).normal(size=(12, 2))
    D = dictionary(X, norm="l1")
    assert D.n_atoms == count_atoms(12, 2, norm="l1")
    assert (~D.matrix().any(axis=0)).sum() > 0


def test_counts_of_the_reference_optima():
    for case in OPTIMA:
        n, d = np.shape(case["X"])
        norm = f"l{case['p']}"
        assert dictionary(case["X"], norm=norm, bias=case["bias"]).n_atoms == case["n_atoms"], case["name"]
        assert count_atoms(n, d, norm=norm, bias=case["bias"]) == case["n_atoms"], case["name"]


def test_budgets_are_checked_before_anything_is_allocated():
    X = np.random.default_rng(0).normal(size=(2000, 6))
    with pytest.raises(DictionarySizeError, match=r"max_atoms=2,000,000.*sampled_dictionary") as info:
        dictionary(X)
    assert info.value.count == count_atoms(2000, 6) > 10**17
    assert info.value.budget == 2_000_000
    with pytest.raises(DictionarySizeError, match="max_bytes"):
        dictionary(X, max_atoms=10**30)
    D = dictionary(X[:50, :2], max_bytes=50 * 2450 * 8 - 1)
    with pytest.raises(DictionarySizeError, match="blocks"):
        D.matrix()
    assert sum(block.shape[1] for _, block in D.blocks()) == D.n_atoms


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda D: D.matvec(np.ones(3)), DataError, "expected"),
        (lambda D: D.rmatvec(np.ones((3, 1, 1))), DataError, "expected"),
        (lambda D: D.columns([D.n_atoms]), ParameterError, "atoms are"),
        (lambda D: D.columns([-1]), ParameterError, "atoms are"),
        (lambda D: D.matrix("K"), ParameterError, "order"),
        (lambda D: D.atoms().columns(np.ones((2, 5))), DataError, "features"),
        (lambda D: dictionary([[1.0, np.nan]]), DataError, "NaN"),
        (lambda D: dictionary([[1.0]], norm="l3"), ParameterError, "norm"),
        (lambda D: dictionary([[1.0]], bias="free"), ParameterError, "bias"),
        (lambda D: dictionary([[1.0]], max_atoms=0), ParameterError, "max_atoms"),
    ],
)
def test_bad_input_is_named(call, error, words):
    D = dictionary(np.random.default_rng(0).normal(size=(4, 2)))
    assert isinstance(D, Dictionary)
    with pytest.raises(error, match=words):
        call(D)
