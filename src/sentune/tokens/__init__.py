"""Text → token ids, cut at the length limit, and the cut counted.

::

    text ─ prompt before it ─ tokenizer ─ token ids
                              └ truncation: texts and tokens that the limit cost
"""
