"""Code on the card, which runs unchanged in the folder above the model's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentune.report.card.dataset import example_sentences
from sentune.report.card.facts import CardFacts
from sentune.report.card.result import ranking_of
from sentune.report.card.text import fenced

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["direct_usage_blocks", "usage_blocks"]

_NEUTRAL_SENTENCES = (
    "How long is the guarantee on a kettle?",
    "Kettles are guaranteed for two years from the day they were bought.",
    "Water boils at a lower temperature high up in the mountains.",
)


def usage_blocks(facts: CardFacts) -> list[str]:
    """The section on usage: sentune, sentence-transformers and, if it was measured, fusion."""
    found = [] if facts.private else example_sentences(facts.training, 1)
    return [
        *direct_usage_blocks(facts.model, facts.name, found[0] if found else None),
        *_search_blocks(facts),
    ]


def direct_usage_blocks(
    model: SentenceTransformer, name: str, sentences: Sequence[str] | None = None
) -> list[str]:
    """How to load a model and compare three sentences; neutral ones if None."""
    return [
        "## Usage",
        "### Direct Usage (sentune)",
        fenced("pip install sentune", "bash"),
        fenced(_snippet(model, name, sentences or _NEUTRAL_SENTENCES), "python"),
        "### Direct Usage (Sentence Transformers)",
        fenced("pip install -U sentence-transformers", "bash"),
        "The code above runs with another first line (version 3.1 or later):",
        fenced("from sentence_transformers import SentenceTransformer", "python"),
    ]


def _snippet(model: SentenceTransformer, name: str, sentences: Sequence[str]) -> str:
    dimension = model.get_embedding_dimension()
    return "\n".join(
        [
            "from sentune import SentenceTransformer",
            "",
            "# The path of this card's folder, or the model's name on the Hugging Face Hub.",
            f"model = SentenceTransformer({name!r})",
            "sentences = [",
            *(f"    {text!r}," for text in sentences),
            "]",
            "embeddings = model.encode(sentences)",
            "print(embeddings.shape)",
            f"# (3, {dimension})",
            "",
            "similarities = model.similarity(embeddings, embeddings)",
            "print(tuple(similarities.shape))",
            "# (3, 3)",
        ]
    )


def _search_blocks(facts: CardFacts) -> list[str]:
    weight = facts.model.extras.get("fusion_weight")
    if not isinstance(weight, int | float):
        return []
    code = [
        "from sentune.search import PassageSearch",
        "",
        'search = PassageSearch(model, {"first": sentences[1], "second": sentences[2]})',
        "for hit in search.search(sentences[0]):",
        "    print(hit.rank, hit.id, round(hit.score, 3))",
    ]
    return [
        "### Search",
        f"This searches passages by {ranking_of(facts.model.extras)}; "
        "this folder has the weights. BM25 needs `pip install 'sentune[evaluate]'`.",
        fenced("\n".join(code), "python"),
    ]
