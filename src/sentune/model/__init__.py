"""Text → vector.

::

    text ─ tokenizer ─ pack ─ encoder ─ pooling ─ vector
             │          │      │ └ attention, config, architectures (a table each), weights
             │          └ chunks, encoding (token budget)
             └ truncation (what the length limit cut)

A few texts in a fresh process go through ``few_texts`` and ``numpy_encoder``, without PyTorch.
``base_models`` turns a name into a folder, ``folder`` reads it and ``folder_writing`` writes one,
``similarity`` and ``precision`` take vectors, and ``sentence_transformer`` composes them all into
the public class.
"""
