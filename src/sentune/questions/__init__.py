"""Questions about passages that nobody asked: made of the documents, or by a language model."""
