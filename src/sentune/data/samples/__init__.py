"""Pairs that every machine has: from the docstrings of Python, and files of them."""
