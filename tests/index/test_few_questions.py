"""A few questions are encoded without PyTorch's modules, as the model would, or left to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sentune import SentenceTransformer, count_truncation
from sentune.index import Index
from sentune.index.few_questions import encode_questions
from sentune.ranking.token_vectors import question_tokens

ROWS = [{"id": "a", "text": "a file is copied"}, {"id": "b", "text": "a thread ends"}]

# A fresh process: these tests have loaded PyTorch already.
_ASK = """
import json, sys
from sentune.index import Index
index = Index.open(sys.argv[1])
hits = index.search("copy a file", where=sys.argv[2] or None, mode=sys.argv[3])
loaded = [name for name in ("torch", "lancedb") if name in sys.modules]
print(json.dumps([loaded, [[hit.id, hit.score] for hit in hits]]))
"""


@pytest.mark.parametrize("options", [{}, {"prompts": {"query": "find "}}, {"truncate_dim": 16}])
def test_the_vector_is_that_of_the_model(
    tmp_path: Path, tiny_folder: Path, options: dict[str, Any]
) -> None:
    model = SentenceTransformer(tiny_folder, compute_dtype="float32", **options)
    index = Index.build(tmp_path / "index", model, ROWS)
    for question in ("copy a file", "word " * 200):
        with count_truncation() as counted:
            encoded = encode_questions(index._built_with, [question])
        assert encoded is not None
        np.testing.assert_allclose(encoded.vectors, model.encode_query([question]), atol=1e-5)
        idf = index._version.snapshot.idf
        (tokens,) = question_tokens(model, [question], idf)
        (found,) = encoded.weighted([question], idf)
        np.testing.assert_allclose(found, tokens, atol=1e-5)
        assert (counted.texts, counted.truncated) == (1, int(len(question) > 100))


def test_another_model_is_left_to_the_refusal(tmp_path: Path, make_folder: Any) -> None:
    folder = make_folder(tmp_path / "model")
    model = SentenceTransformer(folder, compute_dtype="float32")
    index = Index.build(tmp_path / "index", model, ROWS)
    assert encode_questions(index._built_with, ["a file"]) is not None
    weights = folder / "model.safetensors"
    content = load_file(weights)
    name = next(name for name in content if name.endswith("query.weight"))
    content[name][-1, -1] = np.nextafter(content[name][-1, -1], np.float32(9))
    save_file(content, weights)
    assert encode_questions(index._built_with, ["a file"]) is None
    model.max_seq_length = 20
    shorter = Index.build(tmp_path / "shorter", model, ROWS)
    assert encode_questions(shorter._built_with, ["a file"]) is None


def test_a_search_without_a_condition_loads_neither_pytorch_nor_lancedb(
    tmp_path: Path, tiny_folder: Path
) -> None:
    model = SentenceTransformer(tiny_folder, compute_dtype="float32")
    index = Index.build(tmp_path / "index", model, ROWS)

    def ask(where: str, mode: str) -> Any:
        command = [sys.executable, "-c", _ASK, str(index.path), where, mode]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    for where, mode, loaded in (("", "hybrid", []), ("id = 'b'", "dense", ["lancedb"])):
        expected = index.search("copy a file", where=where or None, mode=mode)
        found, hits = ask(where, mode)
        assert found == loaded
        assert [name for name, _ in hits] == [hit.id for hit in expected]
        assert [score for _, score in hits] == pytest.approx([h.score for h in expected], abs=1e-4)
