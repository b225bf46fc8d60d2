"""Any number of texts → a file of vectors.

::

    rows ─ chunks ─ encode ─ shards ─ publishing ─ file
                       │       │                     └ formats (.npy, Parquet, Arrow)
                       │       └ work_folder (the finished shards, and the job they belong to)
                       └ in this process, or in the processes of a pool

``few`` encodes a few texts without PyTorch and without shards.

A kill at any instant loses only the chunks that were being computed. The file appears whole or not
at all.
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
