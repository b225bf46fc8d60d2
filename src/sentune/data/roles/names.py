"""The one table of column names: what each name says of its column.

Names are compared without case, and with spaces, hyphens, dots and humps as underscores.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

__all__ = [
    "ANSWER",
    "CONTEXT",
    "ID",
    "ITEM_JUDGES",
    "LABEL",
    "LABEL_TOO",
    "OF_DOCUMENT",
    "PASSAGE",
    "PASSAGE_OF_REFERENCE",
    "PASSAGE_TOO",
    "QRELS_PASSAGE",
    "QRELS_QUESTION",
    "QRELS_SCORE",
    "QUESTION",
    "QUESTION_TOO",
    "REFERENCE",
    "REFERENCE_PERHAPS",
    "SCORE",
    "SYSTEM",
    "TEXT",
    "TEXT_TOO",
    "TITLE",
    "TITLED",
    "is_negative",
    "is_sentence",
    "named",
    "number_at_end",
    "numbered",
    "plain",
]

QUESTION = frozenset(
    {
        *("anchor", "question", "query", "premise", "sentence_a", "text_a"),
        *("user_input", "user_query", "user_question", "question_text", "query_text"),
    }
)
# Taken as the question if no column has a name of QUESTION.
QUESTION_TOO = frozenset({"input", "prompt", "queries", "questions", "instruction"})

PASSAGE = frozenset(
    {
        *("positive", "positives", "pos", "passage", "passages", "document", "documents"),
        *("hypothesis", "sentence_b", "text_b"),
        *("positive_ctxs", "positive_passages", "positive_passage", "positive_docs"),
        *("positive_doc", "positive_document", "positive_documents"),
    }
)
# Taken as the passage of a question if no column has another name of a passage or an answer.
PASSAGE_TOO = frozenset(
    {
        *("text", "content", "contents", "chunk", "chunk_text", "passage_text", "context_text"),
        *("document_text", "doc", "paragraph", "snippet", "page_content", "answer_text"),
        *("answer_passage", "solution", "output", "completion"),
    }
)
# Beside a system's answer, these are what the system was given, and may be wrong.
CONTEXT = frozenset({"context", "contexts"})
# Passages that were chosen because they answer the question.
PASSAGE_OF_REFERENCE = frozenset(
    {
        *("reference_contexts", "reference_context", "reference_passage", "reference_passages"),
        *("ground_truth_context", "ground_truth_contexts", "gold_context", "gold_contexts"),
        *("golden_context", "golden_contexts", "gold_passage", "gold_passages"),
        *("expected_context", "expected_contexts", "relevant_contexts", "relevant_passages"),
        *("ground_truth_passage", "ground_truth_passages"),
    }
)
# The right answer, beside which an "answer" is what a system said.
REFERENCE = frozenset(
    {
        *("ground_truth", "ground_truths", "ground_truth_answer", "ground_truth_answers"),
        *("correct_answers", "right_answer", "right_answers"),
        *("groundtruth", "expected_answer", "expected_answers", "expected_output"),
        *("expected_response", "reference_answer", "reference_answers", "ideal_answer"),
        *("ideal_response", "gold_answer", "gold_answers", "golden_answer", "correct_answer"),
        *("gold", "golden", "true_answer", "target_answer", "reference_output"),
    }
)
# Right answers in sets for evaluation, but something else (a source, say) beside an answer.
REFERENCE_PERHAPS = frozenset({"reference", "references", "expected", "ideal"})
ANSWER = frozenset({"answer", "answers", "response", "responses"})
# What a system found or said: not known to be right.
SYSTEM = frozenset(
    {
        *("retrieved_contexts", "retrieved_context", "retrieval_context", "retrieval_contexts"),
        *("retrieved_passages", "retrieved_documents", "retrieved_docs", "retrieved_chunks"),
        *("actual_output", "actual_answer", "generated_answer", "generated_response"),
        *("predicted_answer", "prediction", "model_answer", "model_output", "llm_answer"),
        *("system_answer", "bot_answer", "rag_answer"),
    }
)
SCORE = frozenset(
    {
        *("label", "labels", "score", "scores", "similarity", "similarity_score", "sim_score"),
        *("relevance", "relevance_score", "relevance_label", "is_relevant", "relevant", "rel"),
        *("is_duplicate", "duplicate", "similar", "is_similar", "match", "is_match", "matched"),
        *("score_norm", "norm_score", "gold_label", "gold_score", "human_score", "human_label"),
        *("relatedness_score", "relatedness", "entailment_judgment", "entailment_label"),
        *("rating", "target", "relation", "grade", "is_correct", "correct", "hit", "is_hit"),
        *("judgment", "judgement", "is_paraphrase", "paraphrase", "is_positive", "qrel"),
        *("average_score", "mean_score", "avg_score", "similarity_label", "is_answer"),
    }
)
# In an object of a list of passages, these say whether it is a right one. A score may be a rank's.
ITEM_JUDGES = frozenset(
    {
        *("is_selected", "selected", "label", "relevant", "is_relevant", "relevance", "rel"),
        *("is_correct", "correct", "is_positive", "is_gold", "is_supporting", "is_answer"),
        *("relevance_label", "match", "is_match"),
    }
)

TEXT = frozenset({"text", "sentence", "passage", "content"})
# Taken as the text if no column has a name of TEXT.
TEXT_TOO = frozenset(
    {
        *("contents", "page_content", "chunk_text", "passage_text", "document_text"),
        *("document", "review", "review_text", "message", "tweet", "comment", "utterance", "post"),
    }
)
# A title belongs before a text of these names.
TITLED = frozenset({"text", "passage", "content", "contents", "passage_text"})
TITLE = "title"
LABEL = frozenset({"label", "category", "class", "topic"})
# Taken as the label if no column has a name of LABEL.
LABEL_TOO = frozenset({"labels", "sentiment", "intent", "target", "emotion", "label_text", "tag"})

# In order of preference.
ID = ("passage_id", "id", "_id", "pid", "chunk_id", "corpus_id", "text_id", "uid", "uuid")
# A document or a page may have several passages.
OF_DOCUMENT = ("doc_id", "docid", "document_id", "docno", "page")

QRELS_QUESTION = frozenset({"query_id", "qid", "question_id", "queryid", "topic_id"})
QRELS_PASSAGE = frozenset(
    {"corpus_id", "doc_id", "docid", "passage_id", "pid", "document_id", "docno", "corpusid"}
)
QRELS_SCORE = frozenset({"score", "relevance", "rel", "label", "relevance_score", "grade"})

_NEGATIVE = re.compile(
    r"(?:hard_)?neg(?:ative)?s?(?:_(?:ctx|passage|doc|document|context|text)s?)?_?(\d*)"
    r"|(?:incorrect|wrong|irrelevant)_(?:answer|passage|doc|document|context|text|response)s?_?\d*"
    r"|distractors?_?\d*"
)
# Of names that differ only by a number, the first is the question, the second the passage, and the
# others are negatives. They count from 0 or from 1.
_NUMBERED = re.compile(r"(sentence|text|question)_?(\d)")
_SENTENCE = re.compile(r"(?:sentence|text|question)_?\d|(?:sentence|text)_[ab]")


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return a name as it is compared.

    >>> plain(" Corpus-ID"), plain("userInput")
    ('corpus_id', 'user_input')
    """
    return re.sub(r"[ .\-]", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())).casefold()


def named(columns: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the columns with one of the names."""
    return [name for name in columns if plain(name) in names]


def is_sentence(name: str) -> bool:
    """Whether a name is one of several alike: ``sentence1``, ``text_b``."""
    return _SENTENCE.fullmatch(plain(name)) is not None


def is_negative(name: str) -> bool:
    """Whether a name says that the texts do not answer the question."""
    return _NEGATIVE.fullmatch(plain(name)) is not None


def number_at_end(name: str) -> int:
    """Return the number at the end of a name, or 0."""
    match = re.search(r"[0-9]+$", name)
    return int(match[0]) if match and len(match[0]) < 10 else 0


def numbered(columns: Sequence[str]) -> dict[str, int]:
    """Return the columns whose names differ only by a number, and their places from 0."""
    families: dict[str, list[tuple[int, str]]] = {}
    for name in columns:
        match = _NUMBERED.fullmatch(plain(name))
        if match:
            families.setdefault(match[1], []).append((int(match[2]), name))
    places: dict[str, int] = {}
    for members in families.values():
        first = min(number for number, _ in members)
        if first <= 1:
            places |= {name: number - first for number, name in members}
    return places
