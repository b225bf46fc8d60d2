"""What each column of a file is: by what a person says, or by its name.

- ``names`` is the one table of column names. ``columns`` and ``text_columns`` give columns their
  roles by it, after what a person said (``options``, ``choice``).
- ``headers`` names the columns of files without names; ``judgements`` knows which values mark a
  pair as wrong; ``cells`` reads lists and titled passages in a cell.
- ``ids`` gives passages their ids; ``fields`` makes other columns what an index filters by.
"""
