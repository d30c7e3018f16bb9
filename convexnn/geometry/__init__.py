"""Geometry of a data set: cross products, volumes, arrangements, working coordinates. No learning."""
