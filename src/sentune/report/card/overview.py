"""The beginning and the end of a card: what the model is, and what to cite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentune.report.card.descent import descent
from sentune.report.card.facts import CardFacts
from sentune.report.card.text import fenced, inline
from sentune.report.card.versions import installed_versions

if TYPE_CHECKING:
    from sentune.training.losses.base import EmbeddingLoss

__all__ = ["SIMILARITIES", "citation_blocks", "details_blocks", "overview_blocks", "sources"]

SIMILARITIES = {
    "cosine": "Cosine Similarity",
    "dot": "Dot Product",
    "euclidean": "Euclidean Distance",
    "manhattan": "Manhattan Distance",
}
_SENTENCE_BERT = """\
@inproceedings{reimers-2019-sentence-bert,
    title = "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
    author = "Reimers, Nils and Gurevych, Iryna",
    booktitle = "Proceedings of the 2019 Conference on Empirical Methods in \
Natural Language Processing",
    month = "11",
    year = "2019",
    publisher = "Association for Computational Linguistics",
    url = "https://arxiv.org/abs/1908.10084",
}"""


def overview_blocks(facts: CardFacts) -> list[str]:
    """Title, and what the folder holds."""
    return [f"# {inline(facts.name)}", *_description(facts)]


def details_blocks(facts: CardFacts) -> list[str]:
    """The model's details and its architecture."""
    return [
        "## Model Details",
        "### Model Description",
        _details(facts),
        "### Model Sources",
        sources(),
        "### Full Model Architecture",
        fenced(repr(facts.model)),
    ]


def _description(facts: CardFacts) -> list[str]:
    use = (
        "It maps a sentence or a paragraph to a vector of "
        f"{facts.model.get_embedding_dimension()} numbers, for semantic search, semantic textual "
        "similarity, paraphrase mining, text classification and clustering."
    )
    if facts.kept == "tuned":
        pairs = _size(facts)
        return [
            f"This is a sentence-embedding model: {_base_link(facts)}, tuned on {pairs} with "
            f"sentune. {use}"
        ]
    return [
        f"> **This folder holds the unchanged base model** ({_base_link(facts)}): the tuned one "
        "was not better.",
        f"This is a sentence-embedding model. {use}",
    ]


def _size(facts: CardFacts) -> str:
    made = "made " if facts.training.made else ""
    asked = " (nobody asked the questions: they come from the texts)" if made else ""
    return f"{len(facts.training):,} {made}question–passage pairs{asked}"


def _details(facts: CardFacts) -> str:
    size = _size(facts)
    tried = " (the tuning on them was discarded)" if facts.kept == "base" else ""
    details = {
        "Model Type": "Sentence Transformer",
        "Base model": _base_link(facts) + _revision(facts) + _descent(facts),
        "Maximum Sequence Length": f"{facts.model.max_seq_length} tokens",
        "Output Dimensionality": f"{facts.model.get_embedding_dimension()} dimensions",
        "Similarity Function": SIMILARITIES[facts.model.similarity_fn_name],
        "Training Dataset": size + tried,
    }
    return "\n".join(f"- **{label}:** {value}" for label, value in details.items())


def _base_link(facts: CardFacts) -> str:
    name = inline(facts.base_name)
    if facts.base_is_public:
        return f"[{name}](https://huggingface.co/{facts.base_name})"
    return f"{name} (a local folder)"


def _descent(facts: CardFacts) -> str:
    found = [] if facts.base_is_public else descent(facts.model.base.folder)
    return "".join(f", which was tuned from {inline(name)}" for name in found)


def _revision(facts: CardFacts) -> str:
    revision = facts.model.base.revision
    return f", revision {inline(revision)}" if revision else ""


def sources() -> str:
    """Where a model comes from, and where its interface is described."""
    hub = "https://huggingface.co/models?library=sentence-transformers"
    return "\n".join(
        [
            f"- **Made with:** sentune {installed_versions().get('sentune', '')}".rstrip(),
            "- **Documentation:** [Sentence Transformers](https://sbert.net); this model has its "
            "folder layout and interface",
            "- **Repository:** [Sentence Transformers on GitHub]"
            "(https://github.com/huggingface/sentence-transformers)",
            f"- **Hugging Face:** [Sentence Transformers on Hugging Face]({hub})",
        ]
    )


def citation_blocks(loss: EmbeddingLoss) -> list[str]:
    """BibTeX of Sentence-BERT and of the loss."""
    blocks = [
        "## Citation",
        "### BibTeX",
        "#### Sentence Transformers",
        fenced(_SENTENCE_BERT, "bibtex"),
    ]
    if loss.citation:
        blocks += [f"#### {type(loss).__name__}", fenced(loss.citation, "bibtex")]
    return blocks
