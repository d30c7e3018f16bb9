"""Proofs of optimality, recomputed from the data by code that shares nothing with the solvers."""

from convexnn.certificate.branch import Bracket, bound_response
from convexnn.certificate.claim import certify
from convexnn.certificate.orders import Orders
from convexnn.certificate.recheck import verify
from convexnn.certificate.record import Certificate
from convexnn.certificate.response import Response, max_response

__all__ = ["Bracket", "Certificate", "Orders", "Response", "bound_response", "certify", "max_response", "verify"]
