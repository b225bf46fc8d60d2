"""A worker without a model: what it answers is known, and it fails when it is told to.

``plan.model`` is a folder with ``facts.json``, and perhaps ``pace``: seconds for each token. The
vector of a text is the number of its tokens, the sum of their ids, and zeros. A text with "!"
ends the process, one with "?" keeps it for ever.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np

from sentune.encoding.runners.messages import claim_pipes, read_frame, write_frame

__all__ = ["main"]


def main() -> None:
    requests, replies = claim_pipes()
    folder = Path(read_frame(requests)[0]["plan"]["model"])
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    pace = float((folder / "pace").read_text()) if (folder / "pace").exists() else 0.0
    write_frame(replies, facts)
    try:
        while True:
            head, body = read_frame(requests)
            ids = np.frombuffer(body, np.int32)
            if facts["die"] in ids:
                os._exit(9)
            if facts["hang"] in ids:
                time.sleep(3600)
            time.sleep(pace * len(ids))
            rows = np.zeros((len(head["lengths"]), facts["model"]["width"]), "<f4")
            ends = np.cumsum(head["lengths"])
            for row, part in zip(rows, np.split(ids, ends[:-1]), strict=True):
                row[:2] = len(part), part.sum()
            answer = {"id": head["id"], "shape": list(rows.shape)}
            write_frame(replies, answer, rows.tobytes())
    except (EOFError, BrokenPipeError):
        return
