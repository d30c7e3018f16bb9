"""Certificates decided in rational arithmetic: slow, with no rounding to be trusted."""
