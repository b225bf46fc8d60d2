"""What the libraries make of a model, as one JSON object. A process of its own runs it.

Their imports take seconds, and warn of their own future.

    python -m tests.adapters.library_calls FOLDER
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import SentuneError

TEXTS = ["copy the file", "a thread ends", "", "words " * 30]
QUESTION = "the file"
OURS = ["sentune.adapters.haystack"]
Found = dict[str, Any]


def refused(call: Callable[[], Any]) -> list[str]:
    """The kind and the text of an error of ours."""
    try:
        call()
    except SentuneError as error:
        return [type(error).__name__, str(error)]
    return []


def langchain(model: SentenceTransformer, folder: str) -> Found:
    from langchain_core.documents import Document
    from langchain_core.vectorstores import InMemoryVectorStore

    from sentune.adapters.langchain import SentuneEmbeddings

    used = SentuneEmbeddings(model)
    store = InMemoryVectorStore(used)
    store.add_documents([Document(page_content=text) for text in TEXTS])
    unit = SentuneEmbeddings(model, batch_size=1, normalize_embeddings=True)
    return {
        "texts": used.embed_documents(TEXTS),
        "query": used.embed_query(QUESTION),
        "unit": [unit.embed_documents(TEXTS), unit.embed_query(QUESTION)],
        "async": [
            asyncio.run(used.aembed_documents(TEXTS)),
            asyncio.run(used.aembed_query(QUESTION)),
        ],
        "by folder": SentuneEmbeddings(folder).embed_query(QUESTION),
        "none": used.embed_documents([]),
        "ranked": [d.page_content for d in store.similarity_search(QUESTION, k=4)],
        "refused": [
            refused(lambda: used.embed_documents(TEXTS[0])),  # type: ignore[arg-type]
            refused(lambda: used.embed_documents([TEXTS[0], None])),  # type: ignore[list-item]
            refused(lambda: used.embed_query(None)),  # type: ignore[arg-type]
            refused(lambda: SentuneEmbeddings(3)),  # type: ignore[arg-type]
            refused(lambda: SentuneEmbeddings("not/there/at-all")),
        ],
    }


def llama_index(model: SentenceTransformer, folder: str) -> Found:
    from llama_index.core import Document, VectorStoreIndex
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.schema import TextNode
    from llama_index.core.storage.kvstore import SimpleKVStore

    from sentune.adapters.llama_index import SentuneEmbedding

    used = SentuneEmbedding(folder, embed_batch_size=3)
    nodes = [TextNode(text=text) for text in TEXTS if text]
    search = VectorStoreIndex(nodes, embed_model=used).as_retriever(similarity_top_k=3)
    unit = SentuneEmbedding(model, normalize_embeddings=True)
    cached = IngestionPipeline(transformations=[SentuneEmbedding(model)])
    before = cached.run(documents=[Document(text="a file")])[0].embedding
    prompted = SentuneEmbedding(model).to_dict()
    plain = SentenceTransformer(
        folder, compute_dtype="float32", prompts={"query": "", "passage": ""}
    )
    changed = SentenceTransformer(folder, compute_dtype="float32")
    with torch.no_grad():
        words = next(iter(changed.parameters()))
        words.copy_(words.flip(0))
    cached.transformations = [SentuneEmbedding(changed)]
    return {
        "texts": used.get_text_embedding_batch(TEXTS),
        "one text": used.get_text_embedding(TEXTS[0]),
        "query": used.get_query_embedding(QUESTION),
        "unit": [unit.get_text_embedding_batch(TEXTS), unit.get_query_embedding(QUESTION)],
        "async": [
            asyncio.run(used.aget_text_embedding_batch(TEXTS)),
            asyncio.run(used.aget_query_embedding(QUESTION)),
        ],
        "again": SentuneEmbedding.from_dict(used.to_dict()).get_query_embedding(QUESTION),
        "settings": [used.to_dict(), SentuneEmbedding.from_dict(used.to_dict()).to_dict()],
        "pickled": pickle.loads(pickle.dumps(used)).get_query_embedding(QUESTION),
        "ranked": [node.text for node in search.retrieve(QUESTION)],
        "pipeline": [before, cached.run(documents=[Document(text="a file")])[0].embedding],
        "changed": changed.encode_document("a file").tolist(),
        "cache": SentuneEmbedding(plain, embeddings_cache=SimpleKVStore()).get_text_embedding("a"),
        "plain": plain.encode("a").tolist(),
        "refused": [
            refused(lambda: SentuneEmbedding(changed, fingerprint=prompted["fingerprint"])),
            refused(lambda: SentuneEmbedding(model, embeddings_cache=SimpleKVStore())),
            refused(lambda: SentuneEmbedding()),
            refused(lambda: SentuneEmbedding(model, model_name=folder)),
        ],
    }


def haystack(model: SentenceTransformer, folder: str) -> Found:
    from haystack import Document, Pipeline
    from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    from sentune.adapters.haystack import SentuneDocumentEmbedder, SentuneTextEmbedder

    documents = [Document(content=text, meta={"page": n}) for n, text in enumerate(TEXTS)]
    ask, store = SentuneTextEmbedder(Path(folder)), InMemoryDocumentStore()
    embed = SentuneDocumentEmbedder(model)
    store.write_documents(embed.run(documents)["documents"])
    pipeline = Pipeline()
    pipeline.add_component("ask", ask)
    pipeline.add_component("find", InMemoryEmbeddingRetriever(store, top_k=4))
    pipeline.connect("ask.embedding", "find.query_embedding")
    unit = SentuneDocumentEmbedder(model, batch_size=1, normalize_embeddings=True)
    titled = SentuneDocumentEmbedder(
        folder, meta_fields_to_embed=["page", "none"], embedding_separator=" | "
    )
    written = titled.to_dict()
    again = SentuneDocumentEmbedder.from_dict(written)
    no_text = Document(content=None, meta={"page": 1})
    one = asyncio.run(embed.run_async(documents))["documents"]
    return {
        "texts": [d.embedding for d in embed.run(documents)["documents"]],
        "query": ask.run(QUESTION)["embedding"],
        "unit": [
            [d.embedding for d in unit.run(documents)["documents"]],
            SentuneTextEmbedder(model, normalize_embeddings=True).run(QUESTION)["embedding"],
        ],
        "async": [[d.embedding for d in one], asyncio.run(ask.run_async(QUESTION))["embedding"]],
        "ranked": [
            d.content for d in pipeline.run({"ask": {"text": QUESTION}})["find"]["documents"]
        ],
        "written": written,
        "again": [d.embedding for d in again.run([*documents, no_text])["documents"]],
        "pipeline": Pipeline.loads(pipeline.dumps(), allowed_modules=OURS)
        .get_component("ask")
        .run(QUESTION)["embedding"],
        "untouched": [documents[0].embedding is None, documents[0].meta],
        "refused": [
            refused(lambda: SentuneTextEmbedder(model).to_dict()),
            refused(lambda: embed.run([no_text])),
            refused(lambda: embed.run(TEXTS)),
            refused(lambda: embed.run(documents[0])),
            refused(lambda: ask.run(documents)),
            refused(SentuneTextEmbedder("not/there/at-all").warm_up),
        ],
    }


def main() -> None:
    """Call all libraries and print what they gave."""
    model = SentenceTransformer(sys.argv[1], device="cpu", compute_dtype="float32")
    found = {each.__name__: each(model, sys.argv[1]) for each in (langchain, llama_index, haystack)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
