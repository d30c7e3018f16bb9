"""Neurons on the border of a common face, added up: one neuron inside it in place of several."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from convexnn._types import Bools, Floats
from convexnn.training.masters.blocks import Neuron
from convexnn.training.masters.face import Face, make_face

__all__ = ["join"]


def join(points: Floats, affine: bool, neurons: list[Neuron]) -> tuple[list[int], list[Neuron]]:
    """Sums of neurons of one sign that have a face in common, or on their border.

    Within the closure of a face responses are linear in the weights, so the sum is the same function, and by the
    triangle inequality its penalty is smaller. A Lasso over fixed neurons surrounds every neuron it has not got with
    such neighbours.

    Returns
    -------
    list of int
        Neurons that went into a sum.
    list of Neuron
        The sums.
    """
    places: dict[tuple[tuple[int, ...], bytes, float], list[int]] = {}
    for k, neuron in enumerate(neurons):
        for tight, mask in _surroundings(neuron.face, affine):
            places.setdefault((tight, mask.tobytes(), neuron.sign), []).append(k)
    gone: set[int] = set()
    sums: list[Neuron] = []
    for (tight, pattern, sign), found in places.items():
        members = [k for k in found if k not in gone]
        if len(members) < 2:
            continue
        gone.update(members)
        normal = sum((neurons[k].face.basis @ neurons[k].a for k in members), np.zeros(points.shape[1]))
        mask = np.frombuffer(pattern, dtype=bool)
        own = [neurons[k].face for k in members if neurons[k].face.key == (tight, pattern)]
        face = own[0] if own else make_face(points, affine, tight, mask)
        sums.append(Neuron(face, sign, face.basis.T @ normal))
    return sorted(gone), sums


def _surroundings(face: Face, affine: bool) -> Iterator[tuple[tuple[int, ...], Bools]]:
    """The face itself, and those of one more dimension on whose border it lies: samples on it and active samples."""
    tight = tuple(sorted(face.tight))
    yield tight, face.mask
    if len(tight) <= int(affine):
        return
    for i in tight:
        rest = tuple(j for j in tight if j != i)
        yield rest, face.mask
        with_it = face.mask.copy()
        with_it[i] = True
        yield rest, with_it
