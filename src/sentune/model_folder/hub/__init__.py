"""A model's folder → the Hugging Face hub: which files, and in one commit."""
