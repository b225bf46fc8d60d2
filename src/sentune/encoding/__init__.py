"""Any number of texts → vectors.

::

    texts ─ inputs ─ chunks ─ runner ─┬─ Here: encode (tokens, packs, network) ─┬─ blocks ─ collect
                                      ├─ pool ─ worker: the same elsewhere ─────┤
                                      └─ Ray ── worker: on other machines ──────┘

``embedder`` is the model for one pack, ``text_encoder`` encodes any number of texts, ``scripted``
adds the methods that scripts for the reference call, and ``sentence_transformer`` is the public
class, whose ``arguments`` are checked there. ``stages`` has the first stage, from which a model is
built or by which one looks into it; ``features`` are padded token ids as scripts pass them.
``card_data`` is what a caller says of a model; ``vector_tools`` are small functions of ``util``.
``windows`` encodes texts beyond the length limit whole, ``precision`` narrows vectors,
``similarity`` compares them, and ``fingerprint`` says which model they are of. ``few/`` encodes a
few texts without importing PyTorch; ``runners/`` has this process, pools and
clusters, and ``workers/`` what their processes do.
"""
