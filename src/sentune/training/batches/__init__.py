"""Data sets → rows → batches.

::

    data ─ examples ─ samplers, neighbours ─ row_batches ─ loader ─ collator ─ Batch
"""
