"""Neurons in faces: the parts of the exact l2 method, each against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from convexnn.geometry.frame import make_frame
from convexnn.network.neurons import NeuronSet
from convexnn.restricted.faces.blocks import FaceBlocks, Neuron
from convexnn.restricted.faces.drop_constraint import find_constraints_to_drop
from convexnn.restricted.faces.face import make_face, make_faces, open_face, shrink_face
from convexnn.restricted.faces.merge_on_face import join
from convexnn.restricted.faces.pool import Pool

# Rank and kind of frame with an exact oracle for all l2 neurons.
FRAMES = [(2, True), (3, False), (2, False)]


def make_points(r, affine, n=12, seed=0):
    return make_frame(np.random.default_rng(seed).standard_normal((n, r)), norm="l2", bias=affine)


def wedges(frame, count, seed=1):
    """Random wedge neurons: unit normals and the samples that fix them."""
    rng, size = np.random.default_rng(seed), frame.subset_size
    normals, rows = [], []
    for _ in range(count):
        chosen = np.sort(rng.choice(frame.n, size, replace=False))
        picked = frame.points[chosen]
        directions = picked[1:] - picked[0] if frame.affine else picked
        normals.append(np.linalg.svd(directions)[2][-1] * rng.choice([-1.0, 1.0]))
        rows.append(chosen)
    return np.array(normals), np.array(rows)


def responses(frame, neuron):
    """Outputs of a neuron on the samples, straight from the definition."""
    normal = neuron.face.basis @ neuron.a
    return neuron.sign * np.maximum((frame.points - neuron.face.pivot) @ normal, 0.0)


def make_neurons(frame, count, seed=1):
    """Wedges, each turned off one of its samples in two of three cases."""
    normals, rows = wedges(frame, count, seed)
    rng, neurons = np.random.default_rng(seed + 100), []
    for k, (face, a) in enumerate(make_faces(frame.points, frame.affine, normals, rows)):
        sign, length = float(rng.choice([-1.0, 1.0])), float(rng.uniform(0.5, 2.0))
        if k % 3 and len(face.tight) > int(frame.affine):
            towards = direction_off(frame, face, face.tight[-1])
            face, a = open_face(frame.points, frame.affine, face, face.tight[-1], towards, a)
            a = a + np.array([0.0, 1e-4])
        neurons.append(Neuron(face, sign, length * a))
    return neurons


def direction_off(frame, face, row):
    """Unit normal orthogonal to a wedge and to its other samples."""
    others = [i for i in face.tight if i != row]
    rest = frame.points[others[1:]] - frame.points[others[0]] if frame.affine else frame.points[others]
    return np.linalg.svd(np.vstack([face.basis.T, rest]))[2][-1]


@pytest.mark.parametrize(("r", "affine"), FRAMES)
def test_blocks_are_kept_up_to_date(r, affine):
    """After changes the maps are those of blocks made afresh, Gram matrix included."""
    frame = make_points(r, affine)
    neurons, h = make_neurons(frame, 9), np.ones((frame.n, 1))
    blocks = FaceBlocks(frame)
    blocks.change(np.arange(0), neurons[:5])
    blocks.gram(h)
    blocks.change(np.array([0, 2, 4]), neurons[5:8])
    blocks.gram(h)
    blocks.change(np.array([1, 3, 4, 5]), neurons[8:])
    fresh = FaceBlocks(frame)
    fresh.change(np.arange(0), [blocks.neuron(k) for k in range(len(blocks))])
    np.testing.assert_allclose(blocks.gram(h), fresh.gram(h), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(blocks.a, fresh.a)
    total = sum(responses(frame, blocks.neuron(k)) for k in range(len(blocks)))
    np.testing.assert_allclose(blocks.outputs(blocks.a)[:, 0], total, atol=1e-13)
    np.testing.assert_allclose((blocks.signs * blocks.lengths()) @ blocks.columns(), total, atol=1e-13)


@pytest.mark.parametrize(("r", "affine"), FRAMES)
def test_gram_matrix_follows_any_change(r, affine):
    """Whichever neurons leave, from the front, the middle or the end, the matrix is that of the maps."""
    frame = make_points(r, affine)
    neurons, h = make_neurons(frame, 12), np.ones((frame.n, 1))
    blocks, rng = FaceBlocks(frame), np.random.default_rng(3)
    for _ in range(40):
        keep = np.flatnonzero(rng.random(len(blocks)) < rng.choice([0.5, 0.9, 1.0]))
        left = [neuron for neuron in neurons if neuron.key not in {blocks.neuron(k).key for k in range(len(blocks))}]
        blocks.change(keep, left[: int(rng.integers(0, 3))])
        G = np.array([blocks.outputs(unit)[:, 0] for unit in np.eye(len(blocks.a))]).reshape(-1, frame.n)
        np.testing.assert_allclose(blocks.gram(h), G @ G.T, atol=1e-12)
        total = sum((responses(frame, blocks.neuron(k)) for k in range(len(blocks))), np.zeros(frame.n))
        np.testing.assert_allclose((blocks.signs * blocks.lengths()) @ blocks.columns(), total, atol=1e-12)


@pytest.mark.parametrize(("r", "affine"), FRAMES)
def test_lengths_and_signs_can_be_set(r, affine):
    """New signed lengths keep directions, and the maps follow the signs."""
    frame = make_points(r, affine)
    blocks = FaceBlocks(frame)
    blocks.change(np.arange(0), make_neurons(frame, 6))
    blocks.gram(np.ones((frame.n, 1)))
    normals, columns = blocks.normals(), np.abs(blocks.columns())
    z = np.array([1.0, -2.0, 0.5, -0.1, 3.0, -1.0])[: len(blocks)]
    blocks.rescale(z)
    np.testing.assert_allclose(blocks.normals(), normals, atol=1e-14)
    np.testing.assert_allclose(blocks.outputs(blocks.a)[:, 0], z @ columns, atol=1e-13)
    G = np.stack([blocks.outputs(unit)[:, 0] for unit in np.eye(len(blocks.a))])
    np.testing.assert_allclose(blocks.gram(np.ones((frame.n, 1))), G @ G.T, atol=1e-12)


@pytest.mark.parametrize(("r", "affine"), FRAMES[:2])
def test_reach_is_where_the_pattern_changes(r, affine):
    """Just before the step the activation pattern is the face's, just after it is not."""
    frame = make_points(r, affine)
    blocks = FaceBlocks(frame)
    blocks.change(np.arange(0), make_neurons(frame, 9))
    d = np.random.default_rng(5).standard_normal(len(blocks.a))
    steps = blocks.reach(blocks.a, d)
    assert np.isfinite(steps).any()
    for k, step in enumerate(steps):
        face, part = blocks.faces[k], slice(blocks.starts[k], blocks.starts[k + 1])
        if face.size == 1:
            expected = -blocks.a[part][0] / d[part][0] if blocks.a[part][0] * d[part][0] < 0 else np.inf
            assert step == pytest.approx(expected)
            assert blocks.rows[k] == -1
            continue
        loose = np.setdiff1d(np.arange(frame.n), face.tight)

        def pattern(share, face=face, part=part, loose=loose, step=step):
            end = share * step if np.isfinite(step) else 1e3
            return ((blocks.a[part] + end * d[part]) @ face.projected)[loose] > 0

        assert np.array_equal(pattern(0.999999), face.mask[loose])
        if np.isfinite(step):
            assert list(loose[pattern(1.000001) != face.mask[loose]]) == [blocks.rows[k]]


@pytest.mark.parametrize(("r", "affine"), FRAMES)
def test_gains_are_slopes_of_the_response(r, affine):
    """Turning a neuron a little raises its response at the rate that was foretold, and no other turn does."""
    frame = make_points(r, affine)
    blocks = FaceBlocks(frame)
    blocks.change(np.arange(0), make_neurons(frame, 9))
    v = np.random.default_rng(6).standard_normal(frame.n)
    v -= v.mean()
    found, angle, tried = find_constraints_to_drop(frame, blocks, v), 1e-7, 0
    assert len(found.gains)
    assert (np.diff(found.gains) <= 0).all()
    assert (found.gains > 0).all()
    rising = {(int(k), int(i), bool(e @ frame.points[i] > e @ x0)) for k, i, e, x0 in zip(
        found.neurons, found.rows, found.towards, [origin(frame, blocks.faces[k], i) for k, i in
                                                   zip(found.neurons, found.rows)])}  # fmt: skip
    for k, face in enumerate(blocks.faces):
        normal = blocks.normals()[k]
        for row in face.tight if len(face.tight) > int(affine) else ():
            x0 = origin(frame, face, row)
            off = frame.points[row] - x0
            others = [i for i in face.tight if i != row and not affine]
            for i in others:
                off = off - frame.points[i] * (off @ frame.points[i]) / (frame.points[i] @ frame.points[i])
            for side in (1.0, -1.0):
                e = side * off / np.linalg.norm(off)
                now, then = (blocks.signs[k] * v @ np.maximum((frame.points - x0) @ (normal + t * e), 0.0)
                             for t in (0.0, angle))  # fmt: skip
                slope = (then - now) / angle
                match = [g for j, i, u, g in zip(found.neurons, found.rows, found.towards, found.gains)
                         if j == k and i == row and u @ e > 0.5]  # fmt: skip
                assert (slope > 1e-6) == bool(match) or abs(slope) < 1e-5
                if match:
                    assert match[0] == pytest.approx(slope, rel=1e-4, abs=1e-5)
                    tried += 1
    assert tried == len(found.gains) == len(rising)


def origin(frame, face, row):
    """A point that stays on the hyperplane when `row` leaves it."""
    return frame.points[next(i for i in face.tight if i != row)] if frame.affine else np.zeros(frame.rank)


@pytest.mark.parametrize(("r", "affine"), FRAMES)
def test_faces_open_and_shrink_again(r, affine):
    """A face that is opened has the neuron on its border; shrunk at the same sample, it is the face from before."""
    frame = make_points(r, affine)
    for face, a in make_faces(frame.points, frame.affine, *wedges(frame, 5)):
        row = face.tight[-1]
        towards = direction_off(frame, face, row)
        larger, b = open_face(frame.points, frame.affine, face, row, towards, a)
        assert larger.size == face.size + 1
        assert row not in larger.tight
        np.testing.assert_allclose(larger.basis @ b, face.basis @ a, atol=1e-14)
        np.testing.assert_allclose(larger.basis.T @ larger.basis, np.eye(larger.size), atol=1e-13)
        assert larger.mask[row] == (larger.projected[-1, row] > 0)
        back, c = shrink_face(frame.points, frame.affine, larger, row, b)
        assert back.key == face.key
        np.testing.assert_allclose(back.basis @ c, face.basis @ a, atol=1e-13)


@pytest.mark.parametrize(("r", "affine"), FRAMES)
def test_joined_neurons_are_the_same_function_for_less(r, affine):
    """Neighbours on the border of a face are added up: equal outputs, a smaller penalty; signs never mix."""
    frame = make_points(r, affine)
    neurons = []
    for face, a in make_faces(frame.points, frame.affine, *wedges(frame, 6)):
        row = face.tight[-1]
        towards = direction_off(frame, face, row)
        larger, b = open_face(frame.points, frame.affine, face, row, towards, a)
        inside = Neuron(larger, 1.0, b + np.array([0.0, 1e-5]))
        neurons += [Neuron(face, 1.0, 2.0 * a), inside, Neuron(face, -1.0, a)]
    gone, sums = join(frame, neurons)
    assert len(gone) >= 12
    assert len(sums) <= len(gone) // 2
    kept = [n for k, n in enumerate(neurons) if k not in gone] + sums
    before, after = (sum(responses(frame, n) for n in part) for part in (neurons, kept))
    np.testing.assert_allclose(after, before, atol=1e-12)
    size = [sum(np.linalg.norm(n.a) for n in part) for part in (neurons, kept)]
    assert size[1] < size[0]
    for n in sums:
        levels = n.a @ n.face.projected
        loose = np.setdiff1d(np.arange(frame.n), n.face.tight)
        assert (levels[loose][n.face.mask[loose]] >= -1e-12).all()
        assert (levels[loose][~n.face.mask[loose]] <= 1e-12).all()


def test_far_neurons_are_not_joined():
    """Different patterns stay apart, and so do equal patterns through different samples."""
    frame = make_points(2, True, n=30)
    neurons = [Neuron(face, 1.0, a) for face, a in make_faces(frame.points, True, *wedges(frame, 3))]
    patterns = {n.face.mask.tobytes() for n in neurons}
    assert len(patterns) == 3
    assert join(frame, neurons) == ([], [])


def test_a_face_of_given_samples():
    """Its basis is orthonormal and keeps the samples on the hyperplane."""
    frame = make_points(3, False)
    mask = frame.points[:, 0] > 0
    face = make_face(frame.points, False, (2,), mask)
    assert face.size == 2
    np.testing.assert_allclose(face.basis.T @ frame.points[2], 0.0, atol=1e-14)
    np.testing.assert_allclose(face.projected.T, np.where(np.arange(frame.n)[:, None] == 2, 0.0,
                                                         frame.points @ face.basis), atol=1e-15)  # fmt: skip


def test_the_pool_forgets_the_weakest():
    """Columns stay with their neurons when the pool is cut."""
    frame = make_points(2, True, n=20)
    normals, rows = wedges(frame, 12)
    offsets = -np.einsum("ij,ij->i", normals, frame.points[rows[:, 0]])
    pool = Pool(frame)
    for part in (slice(0, 7), slice(7, 12)):
        pool.add(NeuronSet.found(normals[part], offsets[part], rows[part]))
    v = np.random.default_rng(8).standard_normal(20)
    strength = np.abs(frame.columns(normals, offsets).T @ v)
    pool.trim(v, 20)
    assert len(pool) == 12
    pool.trim(v, 5)
    best = np.sort(np.argsort(-strength)[:5])
    np.testing.assert_array_equal(pool.neurons.normals, normals[best])
    np.testing.assert_array_equal(pool.neurons.rows, rows[best])
    np.testing.assert_array_equal(np.concatenate(pool.columns), frame.columns(normals, offsets).T[best])
