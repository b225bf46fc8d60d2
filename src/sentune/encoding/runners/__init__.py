"""Where chunks of texts become blocks of vectors: in this process, or in a pool of others."""
