"""What real clients get from a server, as one JSON object. A process of its own runs it.

Their imports take seconds, warn of their own future and leave connections open; and the hub's
client must be told anew that it may ask a server while the hub must not be asked.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

from tests import long

TEXTS = ["copy a file", "a thread ends", ""]
LONG = "a " * 100
Found = dict[str, Any]


def openai(address: str) -> Found:
    import openai

    client = openai.OpenAI(base_url=f"{address}/v1", api_key="any")
    found = client.embeddings.create(model="any", input=TEXTS, user="me")
    floats = client.embeddings.create(model="any", input=TEXTS, encoding_format="float")
    short = client.embeddings.create(model="any", input=TEXTS[0], dimensions=16)
    raw = client.embeddings.with_raw_response.create(model="any", input=[TEXTS[0], LONG])
    refused = ""
    try:
        client.embeddings.create(model="any", input="a", dimensions=8)
    except openai.BadRequestError as error:
        refused = str(error)
    return {
        "vectors": [each.embedding for each in found.data],
        "places": [each.index for each in found.data],
        "floats": [each.embedding for each in floats.data],
        "short": short.data[0].embedding,
        "model": found.model,
        "models": [each.id for each in client.models.list()],
        "usage": raw.parse().usage.model_dump(),
        "header": [raw.headers["x-truncated-texts"], raw.headers["x-truncated-tokens"]],
        "refused": refused,
    }


def langchain(address: str) -> Found:
    from langchain_openai import OpenAIEmbeddings

    client = OpenAIEmbeddings(
        base_url=f"{address}/v1",
        api_key="any",
        check_embedding_ctx_length=False,
    )
    return {"vectors": client.embed_documents(TEXTS), "query": client.embed_query(TEXTS[0])}


def hub(address: str) -> Found:
    from huggingface_hub import InferenceClient
    from huggingface_hub.errors import HfHubHTTPError

    client = InferenceClient(model=address)
    raw = client.feature_extraction(
        TEXTS[0], normalize=False, truncate=True, truncation_direction="right"
    )
    alike = InferenceClient(model=f"{address}/similarity").sentence_similarity(
        TEXTS[0], other_sentences=TEXTS[1:]
    )
    refused = ""
    try:
        client.feature_extraction(TEXTS[0], prompt_name="passage")
    except HfHubHTTPError as error:
        refused = str(error)
    return {
        "vector": client.feature_extraction(TEXTS[0]).tolist(),
        "raw": raw.tolist(),
        "query": client.feature_extraction(TEXTS[0], prompt_name="query").tolist(),
        "alike": alike,
        "refused": refused,
    }


def llama_index(address: str) -> Found:
    from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

    client = TextEmbeddingsInference(model_name="any", base_url=address)
    return {
        "vectors": client.get_text_embedding_batch(TEXTS[:2]),
        "query": client.get_query_embedding(TEXTS[0]),
    }


def haystack(address: str) -> Found:
    from haystack import Document
    from haystack_integrations.components.embedders.huggingface_api import (
        HuggingFaceAPIDocumentEmbedder,
        HuggingFaceAPITextEmbedder,
    )
    from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker

    given: Any = {
        "api_type": "text_embeddings_inference",
        "api_params": {"url": address},
        "normalize": True,
    }
    documents = [Document(content=text) for text in TEXTS[:2]]
    written = HuggingFaceAPIDocumentEmbedder(**given, progress_bar=False).run(documents)
    ranked = HuggingFaceTEIRanker(url=address, top_k=2).run("files", documents)
    return {
        "vector": HuggingFaceAPITextEmbedder(**given).run(text=TEXTS[0])["embedding"],
        "vectors": [each.embedding for each in written["documents"]],
        "ranked": [(each.content, each.score) for each in ranked["documents"]],
    }


def cohere(address: str) -> Found:
    import cohere

    documents = ["copy a file", "a thread ends", "read a file"]
    older: Any = cohere.Client(api_key="any", base_url=address).rerank(
        query="files", documents=documents, top_n=2, model="any", return_documents=True
    )
    newer = cohere.ClientV2(api_key="any", base_url=address)
    whole = newer.rerank(query="files", documents=documents, model="any", priority=1)
    cut = newer.rerank(query="files", documents=documents, model="any", max_tokens_per_doc=2)
    return {
        "older": [(each.index, each.relevance_score) for each in older.results],
        "texts": [each.document.text for each in older.results],
        "whole": [(each.index, each.relevance_score) for each in whole.results],
        "cut": [(each.index, each.relevance_score) for each in cut.results],
    }


def ollama(address: str) -> Found:
    import ollama

    client = ollama.Client(host=address)
    found = client.embed(model="any", input=TEXTS, truncate=True, keep_alive="5m")
    status, refused = 0, ""
    try:
        client.embed(model="any", input=["a", LONG], truncate=False)
    except ollama.ResponseError as error:
        status, refused = error.status_code, error.error
    return {
        "vectors": list(map(list, found.embeddings)),
        "tokens": found.prompt_eval_count,
        "one": list(map(list, client.embed(model="any", input=TEXTS[0]).embeddings)),
        "older": list(client.embeddings(model="any", prompt=TEXTS[0]).embedding),
        "models": [each.model for each in client.list().models],
        "model": found.model,
        "status": status,
        "refused": refused,
    }


def main() -> None:
    """Ask the server whose address is given."""
    calls = (
        openai,
        hub,
        cohere,
        ollama,
        *((langchain, llama_index, haystack) if long.LONG else ()),
    )
    print(json.dumps({call.__name__: call(sys.argv[1]) for call in calls}))


if __name__ == "__main__":
    os.environ.update(HF_HUB_OFFLINE="0", HAYSTACK_TELEMETRY_ENABLED="False")
    warnings.simplefilter("ignore")
    main()
