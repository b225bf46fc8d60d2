"""Rows → batches → vectors → loss → weights.

::

    rows ─ samplers (which rows together) ─ collator (rows → one pack) ─ model ─ losses
                                                                                   │
                      arguments (every setting) ─ trainer (transformers' loop) ────┘
                                                     └ progress (the bar)
"""
