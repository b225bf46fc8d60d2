"""Data sets → rows → batches; ``training/loader`` puts the two ends together.

::

    data ─ examples ─ samplers, neighbours ─ row_batches ─ collator ─ Batch
"""
