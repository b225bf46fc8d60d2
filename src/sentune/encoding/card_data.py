"""What a caller says of a model for its card, beside what the card says by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, TypeVar

from sentune.checks import require_text
from sentune.errors import ArgumentError

__all__ = ["SentenceTransformerModelCardData", "said_when_saving"]

_TAGS = ("sentence-transformers", "sentence-similarity", "feature-extraction", "dense")
_TASKS = (
    "semantic textual similarity, semantic search, paraphrase mining, classification, "
    "clustering, and more"
)


class _CardData(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]
    model_id: str | None
    train_datasets: Sequence[dict[str, Any]]


Data = TypeVar("Data", bound=_CardData)


def said_when_saving(
    said: Data, model_name: str | None, train_datasets: Sequence[str] | None
) -> Data:
    """Card data with what ``save_pretrained`` is told; ``said`` itself if it is told nothing new.

    A name that the data has already stays.
    """
    if model_name is not None and said.model_id is None:
        said = replace(said, model_id=model_name)
    if train_datasets:
        named = [{"name": name, "id": name} for name in train_datasets]
        said = replace(said, train_datasets=[*said.train_datasets, *named])
    return said


@dataclass(slots=True)
class SentenceTransformerModelCardData:
    """Facts for the ``README.md`` of a model that was not tuned by ``sentune tune``.

    They go into the block that the hub reads, and into the title. Without any of them the card
    that a model came with, or that a run wrote, stays as it is.

    Attributes:
        language: codes of the languages, such as ``en``.
        license: its short name on the hub, such as ``apache-2.0``.
        model_name: the title.
        model_id: the name on the hub, ``owner/model``.
        train_datasets, eval_datasets: each with ``name`` and ``id``.
        task_name: what the model is for.
        tags: more tags than the usual ones.
        local_files_only, generate_widget_examples: without effect here: no hub is asked, and no
            example is drawn.
        base_model, base_model_revision: the name on the hub, and the commit where it is known, of
            the model that was loaded; None for a folder. The model sets them, for programs that
            tell models apart by them, such as mteb. They do not go into the card.
    """

    language: str | Sequence[str] | None = None
    license: str | None = None
    model_name: str | None = None
    model_id: str | None = None
    train_datasets: Sequence[dict[str, Any]] = field(default_factory=list)
    eval_datasets: Sequence[dict[str, Any]] = field(default_factory=list)
    task_name: str = _TASKS
    tags: Sequence[str] = field(default_factory=list)
    local_files_only: bool = False
    generate_widget_examples: bool = True
    base_model: str | None = field(default=None, init=False)
    base_model_revision: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        for name in ("license", "model_name", "model_id", "task_name"):
            if getattr(self, name) is not None:
                require_text(name, getattr(self, name))
        self.language = [self.language] if isinstance(self.language, str) else self.language
        for name in ("language", "tags"):
            for value in getattr(self, name) or ():
                require_text(f"an element of {name}", value)
        for data in (*self.train_datasets, *self.eval_datasets):
            if not isinstance(data, dict):
                raise ArgumentError(
                    f"a data set is {data!r}",
                    expected="a dict with name and id",
                    fix='write {"name": "my questions"}',
                )

    @property
    def given(self) -> bool:
        """Whether anything is said that goes into a card."""
        usual = self.task_name == _TASKS
        named = (self.language, self.license, self.model_name, self.model_id, self.tags)
        return not usual or any((*named, self.train_datasets, self.eval_datasets))

    def card(self, model: str, dimension: int) -> str:
        """The whole ``README.md``.

        Args:
            model: what the model shows of itself, its stages.
            dimension: of its vectors.
        """
        name = self.model_name or self.model_id or "SentenceTransformer"
        lines = [*self._front_matter(), "", f"# {name}", ""]
        lines += [
            f"A sentence-embedding model: texts become vectors of {dimension} dimensions. "
            f"It is for {self.task_name}.",
            *("", *self._facts()),
            *("", "## Architecture", "", "```", model, "```", "", "## Usage", "", "```python"),
            "from sentence_transformers import SentenceTransformer  # or: from sentune import …",
            *("", f"model = SentenceTransformer({(self.model_id or 'the folder')!r})"),
            *('vectors = model.encode(["a text", "another one"])', "```", ""),
        ]
        return "\n".join(lines)

    def _front_matter(self) -> list[str]:
        """YAML, in which every JSON text is a text."""
        found = ["---"]
        for name, values in (("language", self.language), ("license", self.license)):
            if values:
                found += [f"{name}: {json.dumps(values, ensure_ascii=False)}"]
        tags = list(dict.fromkeys([*_TAGS, *self.tags]))
        found += ["tags:", *(f"- {json.dumps(tag, ensure_ascii=False)}" for tag in tags)]
        ids = [data["id"] for data in self.train_datasets if data.get("id")]
        found += [f"datasets: {json.dumps(ids)}"] if ids else []
        return [
            *found,
            "pipeline_tag: sentence-similarity",
            "library_name: sentence-transformers",
            "---",
        ]

    def _facts(self) -> list[str]:
        lines = []
        for title, data in (
            ("Trained on", self.train_datasets),
            ("Evaluated on", self.eval_datasets),
        ):
            if data:
                names = ", ".join(str(one.get("name") or one.get("id")) for one in data)
                lines.append(f"- **{title}:** {names}")
        lines += [f"- **Language:** {', '.join(self.language)}"] if self.language else []
        return lines + ([f"- **License:** {self.license}"] if self.license else [])
