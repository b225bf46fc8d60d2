"""Clients that people have, against a running server; and recorded requests of some more."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import long
from tests.serving.client_calls import LONG, TEXTS
from tests.serving.running import Running

from sentune import SentenceTransformer
from sentune.cross_encoder import CrossEncoder

Vectors = NDArray[np.float32]


@pytest.fixture(scope="module")
def got(server: Running) -> dict[str, dict[str, Any]]:
    """What all clients got."""
    command = [sys.executable, "-m", "tests.serving.client_calls", server.address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def expected(served_model: SentenceTransformer) -> Vectors:
    found: Vectors = served_model.encode(TEXTS)
    return found


def close(found: Any, expected: Any) -> None:
    # Both are in bfloat16 where the processor has it, in batches of other sizes.
    np.testing.assert_allclose(np.asarray(found), expected, atol=4e-3)


def test_openai(got: dict[str, Any], expected: Vectors, served_model: SentenceTransformer) -> None:
    found = got["openai"]
    close(found["vectors"], expected)
    close(found["floats"], expected)
    close(found["short"], expected[0, :16] / np.linalg.norm(expected[0, :16]))
    assert found["places"] == [0, 1, 2]
    assert found["models"][0] == found["model"]
    assert "one of 32, 16" in found["refused"]
    ids, cut = served_model.tokenizer([TEXTS[0], LONG])
    assert found["usage"] == {
        "prompt_tokens": sum(map(len, ids)),
        "total_tokens": sum(map(len, ids)),
        "truncated_texts": 1,
        "truncated_tokens": cut.tokens_left_out,
    }
    assert found["header"] == ["1", str(cut.tokens_left_out)]


@pytest.mark.parametrize("given", [[1, 2], [[1, 2], [3]]])
def test_token_ids_of_another_tokenizer(server: Running, given: list[Any]) -> None:
    # LangChain sends them by default; its own tokenizer is a download that these tests do not make.
    refused = server.post("/v1/embeddings", {"input": given, "model": "text-embedding-ada-002"})
    assert refused.status == 400
    assert "check_embedding_ctx_length=False" in refused.body["error"]["message"]


def test_hub_client(
    got: dict[str, Any], expected: Vectors, served_model: SentenceTransformer
) -> None:
    found = got["hub"]
    close(found["vector"], expected[:1])
    raw = np.array(found["raw"])
    assert abs(np.linalg.norm(raw) - 1) > 0.1
    close(raw / np.linalg.norm(raw), expected[:1])
    close(found["alike"], expected[1:] @ expected[0])
    close(found["query"][0], served_model.encode_query(TEXTS[0]))
    assert "one of the model's prompts: query" in found["refused"]


def test_cohere(got: dict[str, Any], reranker_folder: Path) -> None:
    found, model = got["cohere"], CrossEncoder(reranker_folder)
    documents = ["copy a file", "a thread ends", "read a file"]
    whole = [(each["corpus_id"], each["score"]) for each in model.rank("files", documents)]
    assert [place for place, _ in found["whole"]] == [place for place, _ in whole]
    close([score for _, score in found["whole"]], [score for _, score in whole])
    assert found["older"] == found["whole"][:2]
    assert found["texts"] == [documents[place] for place, _ in whole[:2]]
    bare = model.tokenizer.parsed()
    cut = [text[: bare.encode(text, add_special_tokens=False).offsets[1][1]] for text in documents]
    assert cut != documents
    close(dict(found["cut"])[1], model.predict(("files", cut[1])))


def test_ollama(got: dict[str, Any], expected: Vectors, server: Running) -> None:
    found = got["ollama"]
    close(found["vectors"], expected)
    close(found["one"], expected[:1])
    close(found["older"], expected[0])
    usage = server.post("/v1/embeddings", {"input": TEXTS}).body["usage"]
    assert found["tokens"] == usage["prompt_tokens"]
    assert found["models"] == [found["model"]]
    assert found["status"] == 422
    assert "truncate is false" in found["refused"]
    assert set(server.get("/api/version").body) == {"version"}


# What they send is also among the recorded requests below.
if long.LONG:

    def test_langchain(got: dict[str, Any], expected: Vectors) -> None:
        close(got["langchain"]["vectors"], expected)
        close(got["langchain"]["query"], expected[0])

    def test_llama_index(got: dict[str, Any], expected: Vectors) -> None:
        close(got["llama_index"]["vectors"], expected[:2])
        close(got["llama_index"]["query"], expected[0])

    def test_haystack(got: dict[str, Any], expected: Vectors, reranker_folder: Path) -> None:
        found = got["haystack"]
        close(found["vector"], expected[0])
        close(found["vectors"], expected[:2])
        ranked = CrossEncoder(reranker_folder).rank("files", TEXTS[:2])
        assert [text for text, _ in found["ranked"]] == [
            TEXTS[each["corpus_id"]] for each in ranked
        ]
        close([score for _, score in found["ranked"]], [each["score"] for each in ranked])


def test_recorded_requests(server: Running, expected: Vectors) -> None:
    """litellm, Open WebUI, Chroma, LangChain and LlamaIndex, as they write the requests."""
    litellm = {"model": "any", "input": TEXTS, "encoding_format": "float"}
    found = server.post("/v1/embeddings", litellm).body
    close([each["embedding"] for each in found["data"]], expected)
    webui = server.post("/v1/embeddings", {"input": TEXTS, "model": "any"}, authorization="Bearer ")
    close([each["embedding"] for each in webui.body["data"]], expected)
    rerank = {"model": "any", "query": "files", "documents": TEXTS[:2], "top_n": 2}
    for path in ("/v1/rerank", "/rerank", "/v2/rerank"):
        results = server.post(path, rerank).body["results"]
        assert {tuple(sorted(each)) for each in results} == {("index", "relevance_score")}
    ollama = server.post("/api/embed", {"input": TEXTS, "model": "any"}).body
    close(ollama["embeddings"], expected)
    chroma = server.post("/embed", {"inputs": TEXTS}).body
    close(chroma, expected)
    langchain = {"input": TEXTS, "model": "text-embedding-ada-002", "encoding_format": "base64"}
    found = server.post("/v1/embeddings", langchain).body["data"]
    written = [np.frombuffer(b64decode(each["embedding"]), "<f4") for each in found]
    close(np.stack(written), expected)
    llama_index = {"inputs": TEXTS[:2], "truncate": True}
    close(server.post("/embed", llama_index).body, expected[:2])
