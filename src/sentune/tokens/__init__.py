"""Text → token ids, cut at the length limit, with a count of what was cut.

::

    text ─ prompts (put before it) ─ tokenizer (cuts) ─ token ids
                                     └ truncation (counts texts and tokens that were cut)

``caller`` has what scripts call a tokenizer with, as they call those of transformers; ``batch`` and
``token_ids`` are what it returns.
"""
