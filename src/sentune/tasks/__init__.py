"""Uses of vectors: search so far."""
