"""The orientation of an atom is that of the cross product of its generators, also after training."""

from __future__ import annotations

import numpy as np
import pytest

import convexnn
from convexnn.data import make_spiral
from convexnn.dictionaries.orientation import orientation_of
from convexnn.geometry.algebra import cross_product

rng = np.random.default_rng(0)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("bias", [True, False, "penalized"])
def test_enumerated_atoms_have_the_orientation_of_the_determinant(d, norm, bias):
    dictionary = convexnn.dictionary(rng.normal(size=(7, d)), norm=norm, bias=bias)
    atoms, planes = dictionary.atoms(), dictionary.hyperplanes
    normals = np.repeat(planes.normals, 2, axis=0) * atoms.orientation[:, None]
    np.testing.assert_array_equal(orientation_of(dictionary.frame, normals, atoms.generators), atoms.orientation)


def test_trained_neurons_point_as_they_say():
    X, y = make_spiral(40, random_state=0)
    for scope in ("dictionary", "network"):
        atoms = convexnn.train(X, y, beta=1e-2 * convexnn.beta_max(X, y), scope=scope).atoms
        fixed = (atoms.generators >= 0).sum(axis=1) == 2
        i, j = atoms.generators[fixed].T
        side = np.einsum("md,md->m", cross_product((X[j] - X[i])[:, None, :]), atoms.normals[fixed])
        np.testing.assert_array_equal(np.sign(side), atoms.orientation[fixed])
        assert (atoms.orientation[fixed] < 0).any()
        assert (atoms.orientation[~fixed] == 1).all()


def test_rows_that_fix_nothing_count_as_positive():
    dictionary = convexnn.dictionary(rng.normal(size=(5, 2)))
    generators = np.array([[0, -1], [-1, -1]])
    found = orientation_of(dictionary.frame, rng.normal(size=(2, 2)), generators)
    np.testing.assert_array_equal(found, [1, 1])
