"""The process that reads documents: requests on standard input, answers on standard output.

Each is a line of JSON. Whatever a library prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentune.documents.formats import reader_of, require_content
from sentune.documents.limits import Limits, SkippedError
from sentune.documents.parts import Part
from sentune.documents.readers.source import Source
from sentune.errors import SentuneError

__all__ = ["main"]


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    limits = Limits(**json.loads(sys.argv[2]))
    _cap_memory(limits.memory)
    answers.write("{}\n")
    answers.flush()
    for request in sys.stdin:
        for answer in _answers(Path(json.loads(request)), limits):
            answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _cap_memory(most: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (OSError, ValueError):  # macOS takes no such limit
        return


def _answers(path: Path, limits: Limits) -> Iterator[dict[str, Any]]:
    """The parts of a file; then its notes, why it is skipped, or the error that ends all."""
    source = Source(path, limits)
    try:
        for part in _capped(_parts(source), limits):
            yield {"part": part.to_json()}
    except SkippedError as skipped:
        yield {"skipped": str(skipped), "notes": source.notes}
    except SentuneError as error:
        yield {"error": error.to_json()}
    except MemoryError:
        yield {"skipped": f"needs more memory than the cap of {limits.memory:,} bytes", "notes": []}
    except RecursionError:
        yield {"skipped": "nests its elements too deeply", "notes": []}
    except OSError as error:
        yield {"skipped": f"can't be read ({error.strerror or error})", "notes": []}
    except Exception as error:  # noqa: BLE001 — a damaged file may raise anything in a library
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        yield {"skipped": f"is damaged ({reason})", "notes": []}
    else:
        yield {"notes": source.notes}


def _parts(source: Source) -> Iterator[Part]:
    require_content(source.path)
    yield from reader_of(source.path)(source)


def _capped(parts: Iterator[Part], limits: Limits) -> Iterator[Part]:
    """The parts of a file. Raises SkippedError when they have too much text, or none."""
    characters, has_text = 0, False
    for part in parts:
        characters += sum(len(block.text) for block in part.blocks)
        if characters > limits.characters:
            raise SkippedError(f"has more text than the cap of {limits.characters:,} characters")
        has_text = has_text or part.has_text
        yield part
    if not has_text:
        raise SkippedError("has no text")
