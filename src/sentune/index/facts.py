"""What an index knows of its model, and how it refuses another.

Vectors of two models have the same shape and mean nothing to each other: a search would answer,
wrongly and without a word. So the fingerprint is compared whenever a model meets an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentune.encoding.fingerprint import Fingerprint, fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import IndexFolderError, ModelError
from sentune.files import write_json
from sentune.index.layout import read_json

__all__ = ["Facts"]

_FILE = "facts.json"


@dataclass(frozen=True, slots=True)
class Facts:
    """The model of an index.

    Attributes:
        model: a name, or the absolute path of a folder, that loads it again.
        revision: branch, tag or commit of a hub model.
        fingerprint: what its vectors depend on.
        fusion_weight: the model's share in a hybrid search; None for a model that has none.
    """

    model: str
    revision: str | None
    fingerprint: Fingerprint
    fusion_weight: float | None

    @classmethod
    def of(cls, model: SentenceTransformer) -> Facts:
        """The facts of a model at hand."""
        local = model.base.origin == "local folder"
        weight = model.extras.get("fusion_weight")
        return cls(
            model=str(model.base.folder.resolve()) if local else model.base.name,
            revision=None if local else model.base.revision,
            fingerprint=fingerprint(model),
            fusion_weight=None if weight is None else float(weight),
        )

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a version has got as far as this."""
        return (folder / _FILE).is_file()

    @classmethod
    def read(cls, folder: Path) -> Facts:
        """The facts of a version. Raises IndexFolderError."""
        content = read_json(folder / _FILE)
        try:
            weight = content["fusion_weight"]
            return cls(
                model=str(content["model"]),
                revision=content["revision"],
                fingerprint=Fingerprint.from_json(content["fingerprint"]),
                fusion_weight=None if weight is None else float(weight),
            )
        except (KeyError, TypeError, ValueError, ModelError) as error:
            raise IndexFolderError(
                f"{folder / _FILE} is damaged ({error})",
                expected="model, revision, fingerprint and fusion_weight",
                fix="bring the folder back from a copy, or build the index again",
            ) from error

    def write(self, folder: Path) -> None:
        """Keep them with a version. Raises OutputError."""
        content: dict[str, Any] = {
            "model": self.model,
            "revision": self.revision,
            "fingerprint": self.fingerprint.to_json(),
            "fusion_weight": self.fusion_weight,
        }
        write_json(folder / _FILE, content)

    def load(self) -> SentenceTransformer:
        """The model again, computing as it did.

        Raises:
            ModelError: it is not where it was.
            IndexFolderError: what is there is another model.
        """
        known = self.fingerprint
        model = SentenceTransformer(
            self.model,
            revision=self.revision,
            compute_dtype=known.number_format,
            prompts={"query": known.query_prompt, "document": known.document_prompt},
            similarity_fn_name=known.similarity,
        )
        if model.get_embedding_dimension() > known.dimension:
            model.truncate_dim = known.dimension
        if known.max_seq_length <= model.encoder.config.longest_text:
            model.max_seq_length = known.max_seq_length
        return model

    def require(self, other: Fingerprint, index: Path, name: str) -> None:
        """Raise IndexFolderError unless ``other`` is the fingerprint of the index's model."""
        differences = self.fingerprint.differences(other)
        if differences:
            raise IndexFolderError(
                f"{index} was built with {self.model}, and {name} is another model "
                f"({'; '.join(differences)})",
                expected="the model that the index was built with",
                fix=f"use that one, or encode everything anew: sentune index rebuild {index} "
                f"--model {name}",
            )
