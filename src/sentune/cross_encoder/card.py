"""The card of a model that scores pairs: the folder's ``README.md``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CrossEncoderModelCardData", "TrainingFacts", "card_text", "plain_card"]

_TAGS = ("sentence-transformers", "cross-encoder", "reranker")
_USAGE = """\
```python
from sentune import CrossEncoder

# The path of this card's folder, or the model's name on the Hugging Face Hub.
model = CrossEncoder({name})
question = "How long is the guarantee on a kettle?"
passages = [
    "Kettles are guaranteed for two years from the day they were bought.",
    "Water boils at a lower temperature high up in the mountains.",
]
{code}
```

The code runs with `from sentence_transformers import CrossEncoder` as well."""
_RANK = """\
scores = model.predict([(question, passage) for passage in passages])
print(scores.shape)
# (2,)
for hit in model.rank(question, passages, return_documents=True):
    print(round(hit["score"], 3), hit["text"])"""
_PREDICT = """\
scores = model.predict([(question, passage) for passage in passages])
print(scores.shape)
# (2, {labels})"""


@dataclass(slots=True)
class CrossEncoderModelCardData:
    """What a card says that the model does not know.

    Attributes:
        language: of the texts, a code or several.
        license: a name as the hub lists them.
        model_name: the heading.
        model_id: the name on the hub, for the code on the card.
        train_datasets, eval_datasets: each with ``name`` and ``id``.
        task_name: what the scores are for.
        tags: further ones.
        local_files_only, generate_widget_examples: without effect here: no hub is asked, and no
            example is drawn.
    """

    language: str | Sequence[str] | None = None
    license: str | None = None
    model_name: str | None = None
    model_id: str | None = None
    train_datasets: Sequence[dict[str, Any]] = field(default_factory=list)
    eval_datasets: Sequence[dict[str, Any]] = field(default_factory=list)
    task_name: str = "text reranking and semantic search"
    tags: Sequence[str] = ()
    local_files_only: bool = False
    generate_widget_examples: bool = True


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What a run did.

    Attributes:
        base: the model that it began with.
        rows: training examples.
        losses: names of the losses.
        steps: of the optimizer.
        settings: name → value of the settings that were not the defaults.
    """

    base: str
    rows: int
    losses: Sequence[str]
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)


def plain_card(data: CrossEncoderModelCardData, model: Any) -> str:
    """The card of a model that was not trained here."""
    return card_text(data, model, None)


def card_text(data: CrossEncoderModelCardData, model: Any, run: TrainingFacts | None) -> str:
    """The whole file; ``model`` is a ``CrossEncoder``."""
    parts = [
        _front_matter(data, run),
        f"# {data.model_name or 'Cross-encoder'}",
        f"This model reads two texts together and scores how well they fit, for {data.task_name}.",
        "## Model Details",
        *_details(data, model, run),
        "## Usage",
        _usage(data, model),
        *([] if run is None else _training(run)),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(data: CrossEncoderModelCardData, run: TrainingFacts | None) -> str:
    tags = [*_TAGS, *data.tags]
    if run is not None:
        tags += ["generated_from_trainer", f"dataset_size:{run.rows}"]
        tags += [f"loss:{loss}" for loss in run.losses]
    fields: dict[str, Any] = {
        "language": data.language,
        "license": data.license,
        "tags": tags,
        "datasets": [one["id"] for one in data.train_datasets if one.get("id")] or None,
        "pipeline_tag": "text-ranking",
        "library_name": "sentence-transformers",
    }
    # JSON values are YAML values too.
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items() if value is not None]
    return "\n".join(["---", *lines, "---"])


def _details(data: CrossEncoderModelCardData, model: Any, run: TrainingFacts | None) -> list[str]:
    used = {"Trained on": data.train_datasets, "Evaluated on": data.eval_datasets}
    named = "".join(
        f"\n- **{title}:** {', '.join(map(_name, sets))}" for title, sets in used.items() if sets
    )
    base = "" if run is None else f"\n- **Base model:** {_quoted(run.base)}"
    labels = "label" if model.num_labels == 1 else "labels"
    return [
        f"- **Model Type:** Cross Encoder{base}\n"
        f"- **Architecture:** {model.head.kind.model_class}\n"
        f"- **Maximum Sequence Length:** {model.max_length} tokens, of both texts together\n"
        f"- **Number of Output Labels:** {model.num_labels} {labels}\n"
        f"- **Activation:** {_quoted(type(model.activation_fn).__name__)}{named}"
    ]


def _name(data: Mapping[str, Any]) -> str:
    return _quoted(str(data.get("name") or data.get("id")))


def _usage(data: CrossEncoderModelCardData, model: Any) -> str:
    code = _RANK if model.num_labels == 1 else _PREDICT.format(labels=model.num_labels)
    return _USAGE.format(name=repr(data.model_id or "path/to/this/folder"), code=code)


def _training(run: TrainingFacts) -> list[str]:
    rows = [f"| {name} | {_quoted(str(value))} |" for name, value in run.settings.items()]
    return [
        "## Training Details",
        f"Trained on {run.rows:,} examples for {run.steps:,} steps with {', '.join(run.losses)}.",
        "\n".join(["| setting | value |", "|---|---|", *rows]),
        "The model was not evaluated: measure it on questions of your own before you use it.",
    ]


def _quoted(text: str) -> str:
    """One line in a code span, which ends neither a table nor the span."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', '/')}`"
