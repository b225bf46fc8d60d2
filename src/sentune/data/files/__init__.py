"""Files ↔ records: lines, JSON, CSV and Parquet, without their meaning.

::

    file ─ lines ┬ json_files ─┬─ reading ─ the rest of ``data``
                 ├ csv_files ──┤
                 └ stdin       │
    file ─ parquet ────────────┘
    rows ─ writing ─ file

A new format needs a module here and a line in ``reading``.
"""
