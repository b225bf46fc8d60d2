"""Token ids → vectors: the computation, without a file, a text or a name.

::

    token ids ─ pack ─ encoder ─ pooling ─ vector
                       │ ├ positions, attention (grouped_attention on a CPU), dropout
                       │ └ linear (eight_bit: products of 8-bit integers)
                       └ config: which of these a model uses; architectures: a table for each kind

``numpy_encoder`` is the same computation without PyTorch, for a few texts in a fresh process.
"""
