"""A small random folder of each architecture, in the layout of sentence-transformers 3.1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

MakeFolder = Callable[..., Path]


def make_base(
    name: str, path: Path, make_folder: MakeFolder, make_architecture: MakeFolder, words: int
) -> Path:
    """Write the folder; ``words`` is the size of BERT's vocabulary."""
    if name == "bert":
        folder: Path = make_folder(path, vocab_size=words + 5)
        _name_tokens(folder / "tokenizer_config.json")
    else:
        folder = Path(shutil.copytree(make_architecture(name), path))
        _add_modules(folder)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    _write_vocabulary(folder, content["model"])
    return folder


def _name_tokens(path: Path) -> None:
    """As published folders do; a generic class could not pad without."""
    names = ("pad", "unk", "cls", "sep", "mask")
    values = json.loads(path.read_text(encoding="utf-8"))
    _write(path, values | {f"{name}_token": f"[{name.upper()}]" for name in names})


def _add_modules(folder: Path) -> None:
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.models.{kind}"}
        for i, (p, kind) in enumerate(kinds.items())
    ]
    _write(folder / "modules.json", modules)
    for path in list(kinds)[1:]:
        (folder / path).mkdir()
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    _write(folder / "1_Pooling" / "config.json", pooling)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
    _write(folder / "config_sentence_transformers.json", {"prompts": {"query": "find "}})


def _write_vocabulary(folder: Path, model: dict[str, Any]) -> None:
    """The files of which classes make a tokenizer where there is no ``tokenizer.json``."""
    vocabulary = model["vocab"]
    if model["type"] == "WordPiece":
        lines = sorted(vocabulary, key=vocabulary.__getitem__)
        (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if model["type"] == "BPE":
        _write(folder / "vocab.json", vocabulary)
        merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
        (folder / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
