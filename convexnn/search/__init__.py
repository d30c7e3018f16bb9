"""Search in high dimension: annealed random networks, a convex solver that combines them, ascent that checks."""
