"""What becomes of a folder here and in sentence-transformers."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import SentuneError

# What sentune says when it knowingly reads a folder in another way than version 6.
TOLD = ("version 6 makes another tokenizer", "is not known here")

TEXTS = [
    "Paris in Fráncé",
    "東京 the list of 学生",
    "[MASK] a <mask> zqx ZQX text",
    "the LIST of words and lists",
    "zqx cat zqx sits, words",
    "[CLS] <s> and </s> [SEP] [PAD] <pad>",
    "  two  blanks\tand a naïve @4",
    "functions " * 3 + "the list of cat words " * 12 + "rocket engines",
]


class Notes(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def outcome(folder: Path) -> tuple[str, str]:
    """``same``, ``refused``, ``told``, ``unread`` (by the reference) or ``DIFFERENT``; and why."""
    notes = Notes()
    logger = logging.getLogger("sentune")
    logger.addHandler(notes)
    try:
        ours = SentenceTransformer(folder, device="cpu", compute_dtype="float32")
    except SentuneError as error:
        return "refused", str(error)
    finally:
        logger.removeHandler(notes)
    try:
        theirs = load_reference(folder)
        expected = list(theirs.encode(TEXTS, batch_size=1))  # padding does not take part
    except Exception as error:  # noqa: BLE001 — whatever it raises, it does not read the folder
        return "unread", f"{type(error).__name__}: {error}"
    difference = _difference(ours, theirs, expected)
    if difference is None:
        return "same", ""
    told = [note for note in notes.messages if any(part in note for part in TOLD)]
    return ("told", told[0]) if told else ("DIFFERENT", difference)


def load_reference(folder: Path) -> Any:
    """sentence-transformers' model, in float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer as Reference

        kinds = {"dtype": torch.float32}
        return Reference(str(folder), device="cpu", model_kwargs=kinds)


def _difference(ours: SentenceTransformer, theirs: Any, expected: list[Any]) -> str | None:
    for text, vector in zip(TEXTS, expected, strict=True):
        found = ours.tokenizer([text])[0][0]
        ids = theirs.tokenize([text])["input_ids"][0].tolist()
        if found != ids:
            return f"token ids of {text!r}: {found} for {ids}"
        mine = ours.encode(text)
        if mine.shape != vector.shape:
            return f"shape {mine.shape} for {vector.shape}"
        scale = max(1.0, float(np.abs(vector).max()))
        if not np.allclose(mine, vector, rtol=0, atol=2e-5 * scale):
            return f"vectors of {text!r}: {np.abs(mine - vector).max():.2g} of {scale:.2g}"
    return None
