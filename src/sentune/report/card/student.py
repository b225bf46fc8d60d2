"""The card of a student: what it is, of which teacher, and how like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentune.report.card.front_matter import written
from sentune.report.card.overview import SIMILARITIES, citation_blocks, sources
from sentune.report.card.result import ranking_of
from sentune.report.card.text import fenced, inline
from sentune.report.card.training import (
    log_blocks,
    loss_lines,
    settings_blocks,
    versions_blocks,
)
from sentune.report.card.usage import direct_usage_blocks
from sentune.wording import counted, duration

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.losses.base import EmbeddingLoss

__all__ = ["StudentFacts", "student_card"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentFacts:
    """The facts of a distillation.

    Attributes:
        model, teacher: the student, and what taught it.
        name: the card's title.
        layers: the teacher's layers that the student began with, from 0.
        texts: what it learnt from, in words.
        loss, arguments, steps, seconds: of the training.
        loss_log: (epoch, step, training loss), in order.
        cosine: the mean of the cosines of their vectors, of ``compared`` unseen texts.
        shared: of the ``nearest`` passages of a text, how many are the same for both.
    """

    model: SentenceTransformer
    teacher: SentenceTransformer
    name: str
    layers: Sequence[int]
    texts: str
    loss: EmbeddingLoss
    arguments: SentenceTransformerTrainingArguments
    steps: int
    seconds: float
    loss_log: Sequence[tuple[float, int, float]]
    cosine: float
    compared: int
    shared: float
    nearest: int

    @property
    def teacher_is_public(self) -> bool:
        """Whether the teacher has a name on the hub."""
        return self.teacher.base.origin != "local folder"

    @property
    def teacher_name(self) -> str:
        """Its name on the hub; the last name of a local folder, never its path."""
        base = self.teacher.base
        return base.name if self.teacher_is_public else base.folder.resolve().name


def student_card(facts: StudentFacts) -> str:
    """The model card: YAML for the hub, then Markdown. The same facts give the same text."""
    blocks = [
        f"# {inline(facts.name)}",
        _description(facts),
        "## Result",
        _likeness(facts),
        *_ranking(facts),
        "## Model Details",
        "### Model Description",
        _details(facts),
        "### Model Sources",
        sources(),
        "### Full Model Architecture",
        fenced(repr(facts.model)),
        *direct_usage_blocks(facts.model, facts.name),
        *_training(facts),
        *citation_blocks(facts.loss),
    ]
    return _front_matter(facts) + "\n\n" + "\n\n".join(blocks) + "\n"


def _front_matter(facts: StudentFacts) -> str:
    tags = ["sentence-transformers", "sentence-similarity", "feature-extraction", "dense"]
    tags += ["generated_from_trainer", "distillation", f"loss:{type(facts.loss).__name__}"]
    fields: dict[str, Any] = {"tags": tags}
    if facts.teacher_is_public:
        fields["base_model"] = facts.teacher_name
    fields |= {"pipeline_tag": "sentence-similarity", "library_name": "sentence-transformers"}
    return written(fields)


def _description(facts: StudentFacts) -> str:
    return (
        f"This is a sentence-embedding model, made smaller with sentune: it has "
        f"{_layers(facts)} of {_teacher(facts)}, and was taught the vectors that this model, its "
        f"teacher, gives to {facts.texts}. No labels were used. It maps a sentence or a paragraph "
        f"to a vector of {facts.model.get_embedding_dimension()} numbers, for semantic search, "
        "semantic textual similarity, paraphrase mining, text classification and clustering."
    )


def _layers(facts: StudentFacts) -> str:
    numbers = ", ".join(str(layer + 1) for layer in facts.layers)
    of = facts.teacher.encoder.config.num_hidden_layers
    return f"{len(facts.layers)} of the {of} layers ({numbers})"


def _teacher(facts: StudentFacts) -> str:
    name = inline(facts.teacher_name)
    if facts.teacher_is_public:
        return f"[{name}](https://huggingface.co/{facts.teacher_name})"
    return f"{name} (a local folder)"


def _likeness(facts: StudentFacts) -> str:
    return (
        f"On {counted(facts.compared, 'text')} that it did not learn from, its vectors have a mean "
        f"cosine of {facts.cosine:.3f} with those that it was taught. Of the {facts.nearest} "
        f"passages nearest to a text, {facts.shared:.1f} are the same for student and teacher. "
        "This shows how like the teacher it is, not how well it finds what people ask: measure "
        "that with `sentune evaluate`."
    )


def _ranking(facts: StudentFacts) -> list[str]:
    if "fusion_weight" not in facts.model.extras:
        return []
    return [
        f"Searches with this folder rank by {ranking_of(facts.model.extras)}. This was chosen for "
        "the teacher."
    ]


def _details(facts: StudentFacts) -> str:
    model = facts.model
    details = {
        "Model Type": "Sentence Transformer",
        "Teacher": _teacher(facts),
        "Layers": _layers(facts),
        "Weights": f"{_weights(model):,}, the teacher {_weights(facts.teacher):,}",
        "Maximum Sequence Length": f"{model.max_seq_length} tokens",
        "Output Dimensionality": f"{model.get_embedding_dimension()} dimensions, the teacher "
        f"{facts.teacher.get_embedding_dimension()}",
        "Similarity Function": SIMILARITIES[model.similarity_fn_name],
        "Training Texts": facts.texts,
    }
    return "\n".join(f"- **{label}:** {value}" for label, value in details.items())


def _weights(model: SentenceTransformer) -> int:
    return sum(each.numel() for each in model.parameters())


def _training(facts: StudentFacts) -> list[str]:
    compute = facts.model.compute
    return [
        "## Training Details",
        "### Training Dataset",
        "\n".join([f"* Texts: {facts.texts}, without labels", *loss_lines(facts.loss)]),
        *settings_blocks(facts.arguments),
        *log_blocks(facts.loss_log),
        "### Training Run",
        f"- Steps: {facts.steps:,}\n"
        f"- Time: {duration(facts.seconds)}, for the training alone\n"
        f"- Number format and device: {inline(f'{compute.dtype_name} on {compute.device}')}; "
        "weights and optimizer state in float32\n"
        "- The embeddings of tokens were not trained.",
        *versions_blocks(),
    ]
