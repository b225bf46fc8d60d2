"""Pairs → pairs with hard negatives, which ``mine`` finds by its ``settings``."""
