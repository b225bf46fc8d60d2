"""What people read of a run: the model card."""
