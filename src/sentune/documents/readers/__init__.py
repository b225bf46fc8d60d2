"""One module for each format: a file → parts of blocks. Every package is imported when needed."""
