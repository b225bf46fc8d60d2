"""Adds passages to an index until it is stopped, and prints a line after each addition.

    python adds.py INDEX MODEL NAME COUNT [FILE_SIZE_LIMIT]

Run by test_index.py, which kills it. An addition is three passages. With a limit, no file can grow
beyond so many bytes, which to a program looks like a full disk. In an index with token vectors a
codec is learnt after some additions.
"""

from __future__ import annotations

import resource
import sys

from sentune import SentenceTransformer
from sentune.errors import OutputError
from sentune.index import Index, writer

SIZE = 3
_LEARNT_FROM = 60  # tokens: three additions


def main(index_path: str, model_path: str, name: str, count: str, limit: str = "") -> None:
    """Add and report."""
    model = SentenceTransformer(model_path, device="cpu", compute_dtype="float32")
    index = Index.open(index_path, model)
    writer.LEARNT_FROM = _LEARNT_FROM
    print("ready", flush=True)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    for number in range(int(count)):
        passages = [
            {"id": f"{name}-{number}-{part}", "text": f"{name} passage {number} part {part}"}
            for part in range(SIZE)
        ]
        try:
            index.add(passages)
        except OutputError as error:
            print(f"refused {error}", flush=True)
            return
        print(f"done {number}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
