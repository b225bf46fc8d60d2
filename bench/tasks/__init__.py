"""The tasks beside sentence-transformers: seconds, memory, results."""
