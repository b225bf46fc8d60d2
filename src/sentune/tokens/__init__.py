"""Text → token ids, cut at the length limit, with a count of what was cut.

::

    text ─ prompt + text ─ tokenizer ─ token ids
                              └ truncation: texts and tokens that were cut
"""
