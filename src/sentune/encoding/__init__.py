"""Any number of texts → vectors.

::

    texts ─ inputs ─ chunks ─┬─ encode (tokens, packs, network) ─ block ─┬─ collect ─ array
                             └─ pool ─ worker: the same elsewhere ───────┘

``windows`` encodes texts beyond the length limit whole, ``precision`` narrows vectors,
``similarity`` compares them, ``fingerprint`` says which model they are of, and
``sentence_transformer`` is the public class over all of it. ``few_texts`` encodes a few texts
without importing PyTorch.
"""
