"""Neurons on the border of a common face, added up: one neuron inside it in place of several."""

from __future__ import annotations

import numpy as np

from convexnn.geometry.frame import Frame
from convexnn.restricted.faces.blocks import Neuron
from convexnn.restricted.faces.face import make_face, read_key

__all__ = ["join"]


def join(frame: Frame, neurons: list[Neuron]) -> tuple[list[int], list[Neuron]]:
    """Sums of neurons of one part and one sign that have a face in common, or on their border.

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
    places: dict[tuple[float, int], dict[bytes, list[int]]] = {}
    for k, neuron in enumerate(neurons):
        # A hyperplane that turns about its only pivot has no face beyond its own.
        widens = len(neuron.face.tight) > int(frame.affine)
        mine = places.setdefault((neuron.sign, neuron.part), {})
        for key in neuron.face.closures if widens else [neuron.face.key]:
            mine.setdefault(key, []).append(k)
    gone: set[int] = set()
    sums: list[Neuron] = []
    for (sign, part), mine in places.items():
        points = frame.parts[part].frame.points
        for key, found in mine.items():
            if len(found) < 2:
                continue
            members = [k for k in found if k not in gone]
            if len(members) < 2:
                continue
            gone.update(members)
            normal = sum((neurons[k].face.basis @ neurons[k].a for k in members), np.zeros(points.shape[1]))
            own = [neurons[k].face for k in members if neurons[k].face.key == key]
            face = own[0] if own else make_face(points, frame.affine, *read_key(key, len(points)))
            sums.append(Neuron(face, sign, face.basis.T @ normal, part))
    return sorted(gone), sums
