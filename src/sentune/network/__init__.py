"""Token ids → vectors: the computation, without files and texts.

::

    token ids ─ pack ─ encoder ─ pooling ─ vector_modules ─ vector
                       │ ├ positions, attention (grouped_attention on a CPU), dropout
                       │ └ linear (eight_bit: products of 8-bit integers)
                       └ config: which of these a model uses; architectures: a table for each kind

``weight_names`` finds the encoder's weights among those of a file. ``light_encoder`` computes a few
texts in a fresh process, with PyTorch's ``kernels`` but without its Python modules.
"""
