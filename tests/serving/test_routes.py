"""What routes answer, and what they refuse."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.serving.running import Running

from sentune import SentenceTransformer
from sentune.cross_encoder import CrossEncoder
from sentune.index import Index
from sentune.ranking.late_interaction import late_scores
from sentune.serving.http.bodies import SearchBody
from sentune.serving.http.routes_search import _modes
from sentune.serving.problems import RefusedError

LONG = "copy " * 80


def test_base64_is_little_endian(server: Running, served_model: SentenceTransformer) -> None:
    answer = server.post("/v1/embeddings", {"input": "copy a file", "encoding_format": "base64"})
    content = base64.b64decode(answer.body["data"][0]["embedding"])
    found = np.frombuffer(content, "<f4")
    np.testing.assert_allclose(found, served_model.encode("copy a file"), atol=4e-3)


@pytest.mark.parametrize("path", ["/embed", "/", "/api/embed"])
def test_a_long_text_is_cut_and_told(server: Running, path: str) -> None:
    name = "input" if path.startswith("/api") else "inputs"
    answer = server.post(path, {name: ["copy", LONG]})
    assert answer.status == 200
    assert answer.headers["x-truncated-texts"] == "1"
    left_out = int(answer.headers["x-truncated-tokens"])
    refused = server.post(path, {name: ["copy", LONG], "truncate": False})
    assert refused.status == 422
    assert f"number 1 (counted from 0) has {48 + left_out} tokens" in refused.body["error"]
    assert "at most 48 tokens" in refused.body["error"]


def test_rerank_with_the_cross_encoder(server: Running, reranker_folder: Path) -> None:
    model, texts = CrossEncoder(reranker_folder), ["a file", "a thread", LONG]
    expected = model.rank("files", texts)
    answer = server.post("/rerank", {"query": "files", "texts": texts, "return_text": True})
    assert [each["index"] for each in answer.body] == [each["corpus_id"] for each in expected]
    scores = [each["score"] for each in expected]
    np.testing.assert_allclose([each["score"] for each in answer.body], scores, atol=4e-3)
    assert [each["text"] for each in answer.body] == [texts[e["corpus_id"]] for e in expected]
    assert answer.headers["x-truncated-texts"] == "1"
    raw = server.post("/rerank", {"query": "files", "texts": texts, "raw_scores": True}).body
    before = np.array([each["score"] for each in raw])
    np.testing.assert_allclose(1 / (1 + np.exp(-before)), scores, atol=4e-3)
    refused = server.post("/rerank", {"query": "files", "texts": texts, "truncate": False})
    assert refused.status == 422
    assert "the pair with the number 2" in refused.body["error"]


def test_rerank_with_the_late_stage(
    plain_server: Running, served_model: SentenceTransformer
) -> None:
    texts = [f"{word} a file" for word in ("copy", "read", "move", "close")] + [LONG]
    sent = {"query": "copy files", "texts": texts}
    answer = plain_server.post("/rerank", sent, authorization="Bearer secret")
    expected = late_scores(served_model, "copy files", texts, lambda _: 1.0)[0]
    found = {each["index"]: each["score"] for each in answer.body}
    np.testing.assert_allclose([found[n] for n in range(5)], expected, atol=1e-2)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert answer.headers["x-truncated-texts"] == "1"


@pytest.mark.parametrize("mode", ["dense", "words", "hybrid", "late"])
def test_search(
    server: Running, mode: str, index_folder: Path, served_model: SentenceTransformer
) -> None:
    index = Index.open(index_folder, served_model)
    sent = {"query": "copy a file", "mode": mode, "where": "page < 9", "top": 2}
    hits = server.post("/search", sent).body["hits"]
    expected = index.search("copy a file", 2, mode=mode, where="page < 9")
    assert [hit["id"] for hit in hits] == [hit.id for hit in expected]
    assert [hit["rank"] for hit in hits] == [hit.rank for hit in expected]
    assert [hit["text"] for hit in hits] == [hit.text for hit in expected]
    assert [hit["fields"] for hit in hits] == [dict(hit.fields) for hit in expected]
    if mode != "late":
        np.testing.assert_allclose(
            [hit["score"] for hit in hits], [hit.score for hit in expected], atol=1e-2
        )


def test_search_with_the_base(
    server: Running, index_folder: Path, served_model: SentenceTransformer, compared_folder: Path
) -> None:
    hits = server.post("/search", {"query": "copy a file", "mode": "base", "top": 2}).body["hits"]
    base = Index.open(index_folder, served_model).compared_with(str(compared_folder))
    expected = base.search("copy a file", 2, mode="dense")
    assert [hit["id"] for hit in hits] == [hit.id for hit in expected]
    np.testing.assert_allclose(
        [hit["score"] for hit in hits], [hit.score for hit in expected], atol=1e-2
    )


def test_search_in_several_modes(server: Running) -> None:
    body = server.post("/search", {"query": "file", "modes": ["words", "dense"]}).body
    assert list(body["results"]) == body["modes"] == ["words", "dense"]
    assert body["hits"] == body["results"]["words"]
    assert len(body["results"]["dense"]) == 3


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"query": "a", "where": "page <"}, 400, "expected"),
        ({"query": "a", "where": "pag < 3"}, 400, "expected"),
        ({"query": "a", "mode": "dense", "modes": ["words"]}, 422, "mode and modes"),
        ({"query": " "}, 400, "a text with a word"),
        ({"query": "a", "mode": "x"}, 422, "one of dense, words, hybrid, late, base."),
        ({"query": "a", "mode": ""}, 422, "the mode ''"),
        ({"query": "a", "modes": ["words", "x"]}, 422, "the mode 'x'"),
        ({"query": "a", "top": 0}, 422, "top"),
    ],
)
def test_search_refuses(server: Running, sent: Any, status: int, words: str) -> None:
    refused = server.post("/search", sent)
    assert (refused.status, words in refused.body["error"]) == (status, True), refused.body


def test_an_unknown_mode_is_answered_with_those_of_this_server() -> None:
    known = ["dense", "words", "hybrid", "late"]
    with pytest.raises(RefusedError) as caught:
        _modes(SearchBody(query="a", mode="x"), "dense", known)
    assert "one of dense, words, hybrid, late." in str(caught.value.error)


def test_search_without_an_index(plain_server: Running) -> None:
    refused = plain_server.post("/search", {"query": "a"}, authorization="Bearer secret")
    assert refused.status == 404
    assert "--index INDEX" in refused.body["error"]


@pytest.mark.parametrize(
    ("path", "sent", "status", "words"),
    [
        ("/embed", {"inputs": "a", "colour": 1}, 422, "colour: a field that this route does not"),
        ("/embed", {"inputs": [None]}, 422, "inputs"),
        ("/embed", {"inputs": []}, 422, "inputs"),
        ("/embed", {}, 422, "inputs: missing"),
        ("/embed", b"{", 422, "the body: no valid JSON"),
        ("/embed", b"", 422, "the body"),
        ("/embed", b"[" * 100_000, 422, "the body"),
        ("/embed", b'{"inputs": "\\ud800"}', 422, "the body"),
        ("/embed", {"inputs": "a", "prompt_name": "passage"}, 400, "prompts: query"),
        ("/embed", {"inputs": "a", "dimensions": 31}, 400, "one of 32, 16"),
        ("/embed", {"inputs": "a", "truncation_direction": "Left"}, 422, "right"),
        ("/embed", {"inputs": ["a"] * 2049}, 413, "at most 2,048"),
        ("/rerank", {"query": "a"}, 422, "neither texts nor documents"),
        ("/rerank", {"query": "a", "texts": ["b"], "documents": ["b"]}, 422, "one of them"),
        ("/nowhere", {}, 404, "no such route"),
    ],
)
def test_refused(server: Running, path: str, sent: Any, status: int, words: str) -> None:
    refused = server.post(path, sent)
    assert (refused.status, words in refused.body["error"]) == (status, True), refused.body


def test_a_long_text_is_named_as_the_client_does(plain_server: Running) -> None:
    long, key = "a " * 100, "Bearer secret"
    for sent, named in (
        ({"query": long, "texts": ["a"]}, "the query has"),
        ({"query": "a", "texts": ["a", long]}, "the text with the number 1 (counted"),
    ):
        refused = plain_server.post("/rerank", {**sent, "truncate": False}, authorization=key)
        assert (refused.status, refused.body["error"][: len(named)]) == (422, named)
    for inputs, named in (
        ({"source_sentence": long, "sentences": ["a"]}, "the source sentence has"),
        ({"source_sentence": "a", "sentences": [long]}, "the text with the number 0 (counted"),
    ):
        asked = {"inputs": inputs, "parameters": {"truncate": False}}
        refused = plain_server.post("/similarity", asked, authorization=key)
        assert (refused.status, refused.body["error"][: len(named)]) == (422, named)


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/health", 200), ("/embed", 405)])
def test_only_the_headers(server: Running, path: str, status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("HEAD", path)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (status, b"")
    connection.close()


def test_refusals_do_not_repeat_the_text(server: Running) -> None:
    for sent in ({"inputs": [{"secretword": 1}]}, {"inputs": "a", "truncate": "secretword"}):
        refused = server.post("/embed", sent)
        assert refused.status == 422
        assert "secretword" not in json.dumps(refused.body)


def test_a_size_that_was_not_trained(plain_server: Running, tiny_folder: Path) -> None:
    refused = plain_server.post(
        "/v1/embeddings", {"input": "a", "dimensions": 20}, authorization="Bearer secret"
    )
    assert refused.status == 400
    assert "32, 16" in refused.body["error"]["message"]


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer secre"}, {"x": "secret"}])
def test_the_key(plain_server: Running, header: dict[str, str]) -> None:
    for refused in (
        plain_server.post("/embed", {"inputs": "a"}, **header),
        plain_server.get("/metrics", **header),
        plain_server.get("/openapi.json", **header),
    ):
        assert refused.status == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    assert plain_server.get("/health").status == 200


def test_the_content_type(server: Running) -> None:
    assert server.post("/embed", {"inputs": "a"}, content_type="text/plain").status == 415


def test_info_is_true(server: Running, served_model: SentenceTransformer) -> None:
    info = server.get("/info").body
    assert info["model_dtype"] == served_model.compute.dtype_name
    assert info["max_input_length"] == 48
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert info["dimensions"] == [32, 16]
    assert info["index"]["modes"] == ["dense", "words", "hybrid", "late", "base"]
    assert "/" not in info["model_id"]


def test_tokenize(server: Running, served_model: SentenceTransformer) -> None:
    (tokens,) = server.post("/tokenize", {"inputs": "copy a file"}).body
    assert [each["id"] for each in tokens] == served_model.tokenizer(["copy a file"])[0][0]
    bare = server.post("/tokenize", {"inputs": "copy", "add_special_tokens": False}).body
    assert not any(each["special"] for each in bare[0])
    assert "".join("copy"[each["start"] : each["stop"]] for each in bare[0]) == "copy"


def test_metrics_count_and_have_no_text(server: Running) -> None:
    server.post("/embed", {"inputs": "unheardof"})
    server.get("/unheardof?unheardof=1")
    text = server.get("/metrics").body
    assert 'sentune_requests_total{route="/embed",status="200"}' in text
    assert 'sentune_requests_total{route="other",status="404"}' in text
    assert "unheardof" not in text


def test_two_requests_on_one_connection(server: Running) -> None:
    body = json.dumps({"inputs": "a"}).encode()
    request = (
        b"POST /embed HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    ) + body
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        found = []
        for _ in range(2):
            connection.sendall(request)
            content = b""
            while not content.endswith(b"]]"):
                content += connection.recv(65536)
            found.append(content.split(b"\r\n\r\n", 1)[1])
    assert found[0] == found[1]
