"""A few texts → vectors with NumPy, without the time that importing PyTorch takes."""
