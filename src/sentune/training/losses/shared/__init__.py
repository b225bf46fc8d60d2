"""What several losses need: rows of all processes, caching, distances, pair functions."""
