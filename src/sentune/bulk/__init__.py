"""Any number of texts → a file of vectors.

::

    rows ─ chunks ─ encode ─ shards ─ file
                       │       │        └ formats (.npy, Parquet, Arrow)
                       │       └ work_folder (what is finished, and what it belongs to)
                       └ in this process, or in those of a pool

A few texts take a shorter way (``few``): without PyTorch, and without shards.

A kill at any instant costs the chunk that was being computed. The file appears whole or not at
all.
"""

from __future__ import annotations

from sentune.bulk.few import FEW, encode_few_to_file
from sentune.bulk.formats import require_vector_file
from sentune.bulk.run import EncodedFile, encode_to_file

__all__ = [
    "FEW",
    "EncodedFile",
    "encode_few_to_file",
    "encode_to_file",
    "require_vector_file",
]
