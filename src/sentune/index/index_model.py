"""What an index knows of its model, and how it refuses another.

Vectors of two models have the same shape and mean nothing to each other: a search would answer,
wrongly and without a word. So the fingerprint is compared whenever a model meets an index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.encoding.fingerprint import Fingerprint, fingerprint
from sentune.errors import ArgumentError, IndexFolderError, ModelError
from sentune.index.store import MODEL_FILE, Store
from sentune.ranking.late_interaction import LateChoice
from sentune.ranking.pieces import LongText, require_long_text

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["IndexModel"]


@dataclass(frozen=True, slots=True)
class IndexModel:
    """The model that an index was built with.

    Attributes:
        name: a name, or the absolute path of a folder, that loads it again.
        revision: branch, tag or commit of a hub model.
        fingerprint: what its vectors depend on.
        fusion_weight: the model's share in a hybrid search; None for a model that has none.
        long_text: what is done with passages over its limit; see :mod:`sentune.ranking.pieces`.
        late: the late stage that was saved with the model; None without one.
        tokens: whether the index has the vectors of the passages' tokens.
        reading: what its build was told of the columns of files.
    """

    name: str
    revision: str | None
    fingerprint: Fingerprint
    fusion_weight: float | None
    long_text: LongText = "pieces"
    late: LateChoice | None = None
    tokens: bool = False
    reading: ReadOptions = AS_NAMED

    @classmethod
    def of(
        cls,
        model: SentenceTransformer,
        long_text: LongText,
        *,
        tokens: bool,
        reading: ReadOptions = AS_NAMED,
    ) -> Self:
        """The description of a loaded model, and of how passages are indexed with it."""
        local = model.base.origin == "local folder"
        weight = model.extras.get("fusion_weight")
        return cls(
            name=str(model.base.folder.resolve()) if local else model.base.name,
            revision=None if local else model.base.revision,
            fingerprint=fingerprint(model),
            fusion_weight=None if weight is None else float(weight),
            long_text=long_text,
            late=LateChoice.saved(model.extras),
            tokens=tokens,
            # A split is one of that folder, and says nothing of what is added later.
            reading=replace(reading, split=None),
        )

    @classmethod
    def read(cls, store: Store, version: int) -> Self:
        """The model of a version. Raises IndexFolderError."""
        content = store.read(version, MODEL_FILE)
        if content is None:
            raise store.unreadable(f"{MODEL_FILE} of version {version} is missing")
        try:
            weight = content["fusion_weight"]
            return cls(
                name=str(content["model"]),
                revision=content["revision"],
                fingerprint=Fingerprint.from_json(content["fingerprint"]),
                fusion_weight=None if weight is None else float(weight),
                long_text=require_long_text(content["long_text"]),
                late=LateChoice.saved(content),
                tokens=_flag(content["tokens"]),
                reading=ReadOptions.of_settings(content.get("reading", {})),
            )
        except (KeyError, TypeError, ValueError, ModelError, ArgumentError) as error:
            raise store.unreadable(f"{MODEL_FILE} of version {version}: {error}") from error

    def write(self, store: Store, version: int) -> None:
        """Keep it with a version. Raises OutputError."""
        content = {
            "model": self.name,
            "revision": self.revision,
            "fingerprint": self.fingerprint.to_json(),
            "fusion_weight": self.fusion_weight,
            "long_text": self.long_text,
            "late_weight": 0.0 if self.late is None else self.late.weight,
            "late_depth": (self.late or LateChoice()).depth,
            "tokens": self.tokens,
            "reading": self.reading.settings(),
        }
        store.write(version, MODEL_FILE, content)

    def has_begun(self, store: Store, version: int) -> bool:
        """Whether a version was begun with this model, in this way."""
        if store.read(version, MODEL_FILE) is None:
            return False
        begun = self.read(store, version)
        ways = [(one.fingerprint, one.long_text, one.tokens) for one in (begun, self)]
        return ways[0] == ways[1]

    def load(self) -> SentenceTransformer:
        """The model again, computing as it did.

        Raises:
            ModelError: it is not where it was.
            IndexFolderError: what is there is another model.
        """
        from sentune.encoding.sentence_transformer import SentenceTransformer

        known = self.fingerprint
        model = SentenceTransformer(
            self.name,
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

    def require(self, other: Fingerprint, index: str, name: str) -> None:
        """Raise IndexFolderError unless ``other`` is the fingerprint of the index's model."""
        differences = self.fingerprint.differences(other)
        if differences:
            raise IndexFolderError(
                f"{index} was built with {self.name}, and {name} is another model "
                f"({'; '.join(differences)})",
                expected="the model that the index was built with",
                fix=f"use that one, or encode everything anew: sentune index rebuild {index} "
                f"--model {name}",
            )


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value
