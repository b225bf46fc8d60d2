"""Passages that were written together: arrays in one mapped file, and the nearest of them."""
