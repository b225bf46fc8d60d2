"""Name → folder → the parts of a model, and back.

::

    name ─ base_models ─ folder ─ reading ─┬─ config, prompts, pooling, tokenizer
                                           └─ weights ─ encoder
    encoder, tokenizer, pooling, settings ─ writing ─ folder
"""
