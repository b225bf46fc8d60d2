"""What the tests of the model share: the base model, its reference, and real text."""

from __future__ import annotations

import importlib
import inspect
import os
import random
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub

import pytest

from sentune.model.base_models import DEFAULT_BASE_MODEL, resolve
from sentune.model.sentence_transformer import SentenceTransformer

# fmt: off
_DOCUMENTED = [
    "argparse", "asyncio", "collections", "concurrent.futures", "configparser", "contextlib", "csv",
    "datetime", "decimal", "difflib", "email.message", "fractions", "functools", "heapq",
    "http.client", "inspect", "ipaddress", "itertools", "json", "logging", "mailbox", "math", "os",
    "pathlib", "pickle", "random", "re", "shutil", "smtplib", "socket", "sqlite3", "statistics",
    "string", "subprocess", "tarfile", "tempfile", "textwrap", "threading", "unittest",
    "unittest.mock", "urllib.parse", "urllib.request", "uuid", "weakref", "xml.etree.ElementTree",
    "zipfile",
]
# fmt: on


@pytest.fixture(scope="session")
def base_folder() -> Path:
    """The folder of the published all-MiniLM-L6-v2."""
    return resolve(DEFAULT_BASE_MODEL).folder


@pytest.fixture(scope="session")
def model() -> SentenceTransformer:
    """The base model in float32; tests put back what they change."""
    return SentenceTransformer(device="cpu", compute_dtype="float32")


@pytest.fixture(scope="session")
def reference(base_folder: Path) -> Any:
    """sentence-transformers' model of the same folder."""
    with warnings.catch_warnings():
        # Its import and transformers' warn about their own future; nothing here depends on it.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        import sentence_transformers

        return sentence_transformers.SentenceTransformer(str(base_folder), device="cpu")


@pytest.fixture(scope="session")
def real_texts() -> list[str]:
    """1,000 real texts, from one token to more than twice the model's length limit."""
    draw = random.Random(0)
    paragraphs = list(_paragraphs())
    texts = [
        "a",
        "Python",
        "",
        " \n\t ",
        "[CLS] and [SEP] in a text [MASK]",
        "naïve café — 東京 🙂 ﬁn",
    ]
    while len(texts) < 1000:
        words = round(2 ** draw.uniform(0, 8.8))  # 1 to 446 words, every length as likely
        start = draw.randrange(len(paragraphs))
        kind = draw.choice(("whole", "slice", "joined"))
        if kind == "whole":
            texts.append(paragraphs[start])
        elif kind == "slice":
            pieces = paragraphs[start].split(" ")
            texts.append(" ".join(pieces[: words + 1]))
        else:
            joined, rest = "", iter(paragraphs[start:] + paragraphs)
            while joined.count(" ") < words:
                joined += next(rest) + "\n\n"
            texts.append(" ".join(joined.split(" ")[:words]))
    return texts


def _paragraphs() -> Iterator[str]:
    for name in sorted(topics):
        for paragraph in re.split(r"\n\s*\n", topics[name]):
            if paragraph.strip():
                yield paragraph.strip()
    for name in _DOCUMENTED:
        module = importlib.import_module(name)
        for _, member in sorted(vars(module).items()):
            documented = inspect.isroutine(member) or inspect.isclass(member)
            text = inspect.getdoc(member) if documented else None
            if text:
                yield text
