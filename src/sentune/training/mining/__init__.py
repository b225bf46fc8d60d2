"""Pairs → pairs with hard negatives: ``mine`` finds them by ``settings``."""
