"""The late stage measured: its scores, and the choice of weight and depth."""
