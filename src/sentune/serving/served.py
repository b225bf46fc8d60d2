"""What a worker has loaded, and how it answers each kind of message."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from sentune.cross_encoder import CrossEncoder
from sentune.cross_encoder.scoring import score_ids
from sentune.encoding.encode import encode_ids
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, ModelError
from sentune.ranking.late_interaction import late_scores
from sentune.serving.explained import explained
from sentune.serving.facts import model_facts, reranker_facts
from sentune.serving.marks import mark
from sentune.serving.plan import Plan
from sentune.tokens.truncation import count_truncation

if TYPE_CHECKING:
    from sentune.index import Index

__all__ = ["Served"]

_Answer = tuple[dict[str, Any], bytes]


class Served:
    """A model with its index and its reranker."""

    def __init__(
        self,
        model: SentenceTransformer,
        index: Index | None,
        base: Index | None,
        reranker: CrossEncoder | None,
    ) -> None:
        model.eval()
        self.model, self.index, self.base, self.reranker = model, index, base, reranker
        self._raw = _without_scaling(model)
        self._answers: dict[str, Callable[[dict[str, Any], bytes], _Answer]] = {
            "embed": self._embed,
            "score": self._score,
            "late": self._late,
            "search": self._search,
            "question": self._question,
            "explain": self._explain,
        }

    @classmethod
    def load(cls, plan: Plan) -> Served:
        """Load all of a plan, and compute once: the first time takes longer.

        Raises:
            ModelError, IndexFolderError: something cannot be used, or does not fit the rest.
        """
        model = SentenceTransformer(plan.model)
        index = base = None
        if plan.index is not None:
            from sentune.index import Index

            index = Index.open(plan.index, model)
            base = None if plan.compare is None else index.compared_with(plan.compare)
        reranker = None if plan.reranker is None else CrossEncoder(plan.reranker)
        if reranker is not None and (not reranker.has_head or reranker.num_labels != 1):
            raise ModelError(
                f"{plan.reranker} has no head with one score for a pair",
                expected="a cross-encoder with one score, such as "
                "cross-encoder/ms-marco-MiniLM-L6-v2",
                fix="name another model, or leave --reranker out to rank by the late stage",
            )
        served = cls(model, index, base, reranker)
        served._vectors(model.tokenizer(["ready"])[0], 0)
        return served

    def facts(self) -> dict[str, Any]:
        """What the server has to know, and compares when a worker is replaced."""
        known: dict[str, Any] = {"model": model_facts(self.model)}
        if self.reranker is not None:
            known["reranker"] = reranker_facts(self.reranker)
        if self.index is not None:
            modes = ["dense", "words", "hybrid", "late", *(["base"] if self.base else [])]
            known["index"] = {"mode": self.index.mode, "modes": modes}
        return known

    def answer(self, head: dict[str, Any], body: bytes) -> _Answer:
        """The answer to a message. Raises SentuneError."""
        return self._answers[head["op"]](head, body)

    def _embed(self, head: dict[str, Any], body: bytes) -> _Answer:
        ids = _rows(np.frombuffer(body, np.int32), head["lengths"])
        return _numbers(self._vectors(ids, head["skipped"]))

    def _vectors(self, ids: list[list[int]], skipped: int) -> NDArray[np.float32]:
        return encode_ids(self._raw, ids, skipped).float().cpu().numpy()

    def _score(self, head: dict[str, Any], body: bytes) -> _Answer:
        """(pairs, 2): the scores after and before the activation."""
        if self.reranker is None:
            raise _nothing("reranker")
        ids, segments = np.split(np.frombuffer(body, np.int32), 2)
        lengths = head["lengths"]
        raw = score_ids(self.reranker, _rows(ids, lengths), _rows(segments, lengths))
        with torch.inference_mode():
            both = torch.cat([self.reranker.activation_fn(raw), raw], dim=1)
        return _numbers(both.float().cpu().numpy())

    def _late(self, head: dict[str, Any], body: bytes) -> _Answer:  # noqa: ARG002
        asked = json.loads(body)
        # By the texts of one request nobody can say how rare a word is.
        scores = late_scores(self.model, asked["query"], asked["texts"], lambda _: 1.0)[0]
        return _numbers(np.stack([scores, scores], axis=1).astype(np.float32))

    def _search(self, head: dict[str, Any], body: bytes) -> _Answer:  # noqa: ARG002
        if self.index is None:
            raise _nothing("index")
        asked, found = json.loads(body), {}
        with count_truncation() as cut:
            for mode in asked["modes"]:
                index = self.base if mode == "base" else self.index
                if index is None:
                    raise _nothing("base")
                hits = index.search(
                    asked["query"],
                    asked["top"],
                    where=asked["where"],
                    mode="dense" if mode == "base" else mode,
                )
                found[mode] = [asdict(hit) for hit in hits]
        if asked.get("marks"):
            mark(asked["query"], found)
        content = {"modes": asked["modes"], "hits": found[asked["modes"][0]], "results": found}
        told = {"truncated": min(1, cut.truncated)}
        told["left_out"] = cut.tokens_left_out // max(1, cut.truncated)
        return told, json.dumps(content, default=str).encode()

    def _question(self, head: dict[str, Any], body: bytes) -> _Answer:  # noqa: ARG002
        """The vectors of a question by each model of the index, one after the other."""
        asked, indexes = json.loads(body), {"base": self.base, "dense": self.index}
        vectors = {
            mode: np.asarray(index.model.encode_query(asked["query"]), "<f4")
            for mode, index in indexes.items()
            if index is not None
        }
        widths = {mode: len(vector) for mode, vector in vectors.items()}
        return {"widths": widths}, b"".join(vector.tobytes() for vector in vectors.values())

    def _explain(self, head: dict[str, Any], body: bytes) -> _Answer:  # noqa: ARG002
        if self.index is None:
            raise _nothing("index")
        asked, idf = json.loads(body), self.index.points().snapshot.idf
        return {}, json.dumps(explained(self.model, asked["query"], asked["text"], idf)).encode()


def _without_scaling(model: SentenceTransformer) -> SentenceTransformer:
    """The same weights without the last Normalize: the server scales the vectors it is asked to."""
    raw = copy.copy(model)
    raw._modules = dict(model._modules)
    raw.normalize = False
    return raw


def _rows(values: NDArray[np.int32], lengths: list[int]) -> list[list[int]]:
    listed, rows, start = values.tolist(), [], 0
    for length in lengths:
        rows.append(listed[start : start + length])
        start += length
    return rows


def _numbers(values: NDArray[np.float32]) -> _Answer:
    return {"shape": list(values.shape)}, np.ascontiguousarray(values, "<f4").tobytes()


def _nothing(what: str) -> ArgumentError:
    names = {"index": "--index INDEX", "base": "--compare BASE", "reranker": "--reranker DIR"}
    return ArgumentError(
        f"this server has no {what}",
        expected=f"a server that was started with {names[what]}",
        fix=f"start it with {names[what]}",
    )
