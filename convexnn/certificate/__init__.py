"""Proofs of optimality, recomputed from the data apart from the solvers."""

from convexnn.certificate.branch import Bracket, bound_response
from convexnn.certificate.certify import certify
from convexnn.certificate.orders import Orders
from convexnn.certificate.record import Certificate
from convexnn.certificate.response import Response, max_response
from convexnn.certificate.verify import verify

__all__ = ["Bracket", "Certificate", "Orders", "Response", "bound_response", "certify", "max_response", "verify"]
