"""Name → folder → the parts of a model, and back.

::

    name ─ base_models ─ folder ┬─ ModelFolder: config, prompts, pooling, tokenizer
                                └─ weights ─ encoder

``ModelFolder.read`` and ``read_weights`` go from left to right, ``ModelFolder.write`` and
``write_weights`` from right to left.
"""
