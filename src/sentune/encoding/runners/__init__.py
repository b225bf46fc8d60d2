"""Where chunks of texts become blocks of vectors: here, in a pool of processes, or on a cluster."""
