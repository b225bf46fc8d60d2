"""One change of a model folder, and short ways to write it.

::

    bases ─ a small random folder of each architecture
      └ change: tokenizers, added_tokens, layout, weights ─ a folder ─ outcome ─ same, refused, told
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Apply = Callable[[Path], None]

TOKENIZER, SETTINGS = "tokenizer.json", "tokenizer_config.json"
SPECIAL, ADDED = "special_tokens_map.json", "added_tokens.json"
LIMITS, CONFIG, MODULES = "sentence_bert_config.json", "config.json", "modules.json"
POOLING, SENTENCE = "1_Pooling/config.json", "config_sentence_transformers.json"
WORD_PIECE = ("bert", "distilbert", "mpnet")
ALL = ("bert", "roberta", "distilbert", "mpnet", "xlm-roberta", "modernbert")
# A word of the texts that no vocabulary has, and that no class of tokenizers names.
NEW = "zqx"


@dataclass(frozen=True)
class Change:
    """What is changed, and in which architectures."""

    name: str
    apply: Apply
    bases: tuple[str, ...] = ALL


def edit(file: str, change: Callable[[dict[str, Any]], Any]) -> Apply:
    """Change the content of a JSON file, which begins empty if there is none."""

    def _apply(folder: Path) -> None:
        path = folder / file
        values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        change(values)
        path.write_text(json.dumps(values), encoding="utf-8")

    return _apply


def put(file: str, **values: Any) -> Apply:
    """Set keys of a JSON file."""
    return edit(file, lambda content: content.update(values))


def drop(file: str, *names: str) -> Apply:
    """Take keys out of a JSON file."""

    def _drop(content: dict[str, Any]) -> None:
        for name in names:
            content.pop(name, None)

    return edit(file, _drop)


def remove(*files: str) -> Apply:
    """Take files away."""

    def _apply(folder: Path) -> None:
        for file in files:
            (folder / file).unlink(missing_ok=True)

    return _apply


def both(*steps: Apply) -> Apply:
    """One after the other."""

    def _apply(folder: Path) -> None:
        for step in steps:
            step(folder)

    return _apply


def named(prefix: str, steps: Iterable[tuple[str, Apply]], bases: tuple[str, ...]) -> list[Change]:
    """Changes of one kind, in the same architectures."""
    return [Change(f"{prefix}: {name}", apply, bases) for name, apply in steps]
