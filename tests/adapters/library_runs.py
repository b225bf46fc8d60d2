"""A model in LangChain, LlamaIndex and Haystack gives the vectors that ``encode`` gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.adapters.library_calls import QUESTION, TEXTS
from tests.model_fixtures import EditJson

from sentune.encoding.sentence_transformer import SentenceTransformer

Got = dict[str, Any]
LIBRARIES = ("langchain", "llama_index", "haystack")


@pytest.fixture(scope="module")
def prompted_folder(make_folder: Callable[..., Path], edit_json: EditJson) -> Path:
    """A model with two prompts, whose vectors are not of unit length."""
    folder = make_folder()
    edit_json(folder / "modules.json", lambda modules: modules[:2])
    prompts = {"query": "find ", "passage": "text with a "}
    edit_json(
        folder / "config_sentence_transformers.json", lambda value: value | {"prompts": prompts}
    )
    return folder


@pytest.fixture(scope="module")
def prompted(prompted_folder: Path) -> SentenceTransformer:
    return SentenceTransformer(prompted_folder, device="cpu", compute_dtype="float32")


@pytest.fixture(scope="module")
def got(prompted_folder: Path) -> dict[str, Got]:
    """What all libraries gave."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.adapters.library_calls"]
    # Two of them report how they are used, where nobody asks them not to.
    quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "LANGSMITH_TRACING": "false"}
    done = subprocess.run(
        [*command, str(prompted_folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **quiet},
    )
    assert done.returncode == 0, done.stderr
    assert "encoding" not in done.stderr  # no progress
    found: dict[str, Got] = json.loads(done.stdout.splitlines()[-1])
    return found


def close(found: Any, expected: Any) -> None:
    # Folders are loaded in bfloat16 where the processor has it.
    np.testing.assert_allclose(np.asarray(found), expected, atol=0.03)


def scaled(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit


@pytest.mark.parametrize("library", LIBRARIES)
def test_vectors(library: str, got: dict[str, Got], prompted: SentenceTransformer) -> None:
    found = got[library]
    texts, query = prompted.encode_document(TEXTS), prompted.encode_query(QUESTION)
    assert np.abs(texts[0] - prompted.encode(TEXTS[0])).max() > 0.1  # the prompts matter
    assert np.abs(np.linalg.norm(query) - 1) > 0.1
    close(found["texts"], texts)
    close(found["query"], query)
    close(found["unit"][0], scaled(texts))
    close(found["unit"][1], scaled(query))
    close(found["async"][0], texts)
    close(found["async"][1], query)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_search(library: str, got: dict[str, Got], prompted: SentenceTransformer) -> None:
    texts, query = prompted.encode_document(TEXTS), prompted.encode_query(QUESTION)
    by = texts @ query if library == "haystack" else scaled(texts) @ scaled(query)
    kept = [place for place in np.argsort(-by) if TEXTS[place] or library != "llama_index"]
    assert got[library]["ranked"] == [TEXTS[place] for place in kept]


def test_langchain(got: dict[str, Got], prompted: SentenceTransformer) -> None:
    found = got["langchain"]
    close(found["by folder"], prompted.encode_query(QUESTION))
    assert found["none"] == []
    kinds, messages = zip(*found["refused"], strict=True)
    assert kinds == (*["ArgumentError"] * 4, "ModelNotFoundError")
    assert messages[0] == "texts is a str: expected a list. Put it in brackets."
    assert messages[1].startswith("inputs[1] is None: expected a text")
    assert messages[2].startswith("the text is None: expected a text")
    assert messages[3].startswith("model is builtins.int: expected a SentenceTransformer")


def test_llama_index(
    got: dict[str, Got], prompted: SentenceTransformer, prompted_folder: Path
) -> None:
    found = got["llama_index"]
    close(found["one text"], prompted.encode_document(TEXTS[0]))
    close(found["again"], prompted.encode_query(QUESTION))
    close(found["pickled"], prompted.encode_query(QUESTION))
    assert found["settings"][0] == found["settings"][1]
    assert found["settings"][0]["model_name"] == str(prompted_folder)
    assert found["settings"][0]["embed_batch_size"] == 3
    # LlamaIndex keeps vectors by what to_dict says: another model of the same name is another one.
    before, after = found["pipeline"]
    close(before, prompted.encode_document("a file"))
    close(after, found["changed"])
    assert np.abs(np.array(before) - after).max() > 0.1
    close(found["cache"], found["plain"])
    kinds, messages = zip(*found["refused"], strict=True)
    assert kinds == ("ModelError", *["ArgumentError"] * 3)
    assert "is not the model that this embedding was made with" in messages[0]
    assert "the vector of an equal passage" in messages[1]
    assert messages[2].startswith("model is None")
    assert messages[3].startswith("model and model_name")


def test_haystack(
    got: dict[str, Got], prompted: SentenceTransformer, prompted_folder: Path
) -> None:
    found = got["haystack"]
    assert found["written"] == {
        "type": "sentune.adapters.haystack.SentuneDocumentEmbedder",
        "init_parameters": {
            "model": str(prompted_folder),
            "batch_size": None,
            "normalize_embeddings": False,
            "meta_fields_to_embed": ["page", "none"],
            "embedding_separator": " | ",
        },
    }
    titled = [f"{number} | {text}" for number, text in enumerate(TEXTS)]
    close(found["again"], prompted.encode_document([*titled, "1 | "]))
    close(found["pipeline"], prompted.encode_query(QUESTION))
    assert found["untouched"] == [True, {"page": 0}]
    kinds, messages = zip(*found["refused"], strict=True)
    assert kinds == (*["ArgumentError"] * 5, "ModelNotFoundError")
    assert messages[0].startswith("model is an object, which a pipeline's file cannot hold")
    assert "has no text: expected a content" in messages[1]
    assert messages[2].startswith("document 0 is a str: expected a Document of Haystack")
    assert messages[3].startswith("documents is a Document: expected a list")
    assert messages[4].startswith("the text is list: expected a text")
