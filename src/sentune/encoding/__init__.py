"""Any number of texts → vectors.

::

    texts ─ inputs ─ chunks ─ runner ─┬─ Here: encode (tokens, packs, network) ─┬─ blocks ─ collect
                                      └─ pool ─ worker: the same elsewhere ─────┘

``embedder`` is the model for one pack, ``text_encoder`` encodes any number of texts, and
``sentence_transformer`` is the public class. ``windows`` encodes texts beyond the length limit
whole, ``precision`` narrows vectors, ``similarity`` compares them, and ``fingerprint`` says which
model they are of. ``few_texts`` encodes a few texts without importing PyTorch, ``few_modules``
passes them through the modules after pooling.
"""
