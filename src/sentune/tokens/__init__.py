"""Text → token ids, cut at the length limit, with a count of what was cut.

::

    text ─ prompts (put before it) ─ tokenizer (cuts) ─ token ids
                                     └ truncation (counts texts and tokens that were cut)
"""
