"""What the process that listens does beside answering."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

from sentune.serving.engine import Engine
from sentune.serving.plan import Plan
from sentune.serving.server import serve


def test_collections_do_not_look_through_what_is_loaded(fake: Path) -> None:
    frozen: list[int] = []

    def ready(_address: str, _engine: Engine) -> None:
        frozen.append(gc.get_freeze_count())
        signal.raise_signal(signal.SIGTERM)

    serve(Plan(str(fake)), port=0, ready=ready)
    assert frozen[0] > 10_000
    assert gc.get_freeze_count() == 0
