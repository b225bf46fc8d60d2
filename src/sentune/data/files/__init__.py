"""Files ↔ records: bytes, lines, JSON, CSV and Parquet, without their meaning.

::

    file ─ lines ─ records (parquet, stdin) ─ the rest of ``data``
    rows ─ writing ─ file
"""
