"""Files ↔ records: lines, JSON, CSV and Parquet, without their meaning.

::

    file ─┬─ lines ─┬─ json_files ─┬─ records ─ reading ─ the rest of ``data``
          │         ├─ csv_files ──┤
          │         └─ stdin ──────┤
          └─ parquet ──────────────┘
    rows ─ writing ─ file

A new format needs a module here and a line in ``reading``. Documents (PDF, DOCX) are no records:
their room is ``documents``.
"""
