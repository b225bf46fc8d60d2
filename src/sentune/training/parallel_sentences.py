"""Translations → examples whose label is the vector of the original (Reimers 2020)."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from sentune.data.input_example import InputExample
from sentune.errors import DataError

__all__ = ["ParallelSentencesDataset"]


class ParallelSentencesDataset(Dataset[InputExample]):
    """Sentences in several languages, each with the teacher's vector of its first language.

    A student that learns these vectors (``MSELoss``) maps a translation to where the teacher maps
    the original (Reimers and Gurevych 2020, arXiv:2004.09813). Use it with ``fit``.

    Args:
        student_model: not used; accepted because the reference has it.
        teacher_model: anything with ``encode(texts, batch_size=…)``.
        batch_size: texts that the teacher encodes together.
        use_embedding_cache: keep the teacher's vectors, 4 · dim bytes for each original.
    """

    def __init__(
        self,
        student_model: object,
        teacher_model: Any,
        batch_size: int = 8,
        use_embedding_cache: bool = True,
    ) -> None:
        del student_model
        self.teacher_model, self.batch_size = teacher_model, batch_size
        self.use_embedding_cache = use_embedding_cache
        self.num_sentences = 0
        self._sets: list[list[tuple[str, tuple[str, ...]]]] = []
        self._weights: list[int] = []
        self._turns: list[Iterator[tuple[str, tuple[str, ...]]]] = []
        self._vectors: dict[str, Any] = {}
        self._ready: list[InputExample] = []

    def load_data(
        self,
        filepath: str | Path,
        weight: int = 100,
        max_sentences: int | None = None,
        max_sentence_length: int | None = 128,
    ) -> None:
        """Read lines of tab-separated translations; a name that ends in .gz is unpacked.

        Raises DataError when the file cannot be read.
        """
        path = Path(filepath)
        try:
            if path.suffix == ".gz":
                text = gzip.decompress(path.read_bytes()).decode("utf-8")
            else:
                text = path.read_text(encoding="utf-8")
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path} cannot be read ({error})",
                expected="lines of tab-separated sentences in UTF-8",
                fix="check the file",
            ) from error
        lines = [line.strip().split("\t") for line in text.splitlines()]
        self.add_dataset(lines, weight, max_sentences, max_sentence_length)

    def add_dataset(
        self,
        parallel_sentences: Sequence[Sequence[str]],
        weight: int = 100,
        max_sentences: int | None = None,
        max_sentence_length: int | None = 128,
    ) -> None:
        """Add translations of each other; the first of each is what the teacher encodes.

        Args:
            parallel_sentences: rows of sentences.
            weight: how many originals of this data are drawn in a turn over all data.
            max_sentences: the most originals.
            max_sentence_length: rows with a sentence of more characters are left out.
        """
        found: dict[str, dict[str, None]] = {}
        for row in parallel_sentences:
            if max_sentence_length and max(map(len, row)) > max_sentence_length:
                continue
            found.setdefault(row[0], {}).update(dict.fromkeys(row))
            if max_sentences and len(found) >= max_sentences:
                break
        if not found:
            return
        self._sets.append([(source, tuple(targets)) for source, targets in found.items()])
        self._weights.append(weight)
        self._turns.append(_endless(self._sets[-1]))
        self.num_sentences += sum(map(len, found.values()))

    def __len__(self) -> int:
        return self.num_sentences

    def __getitem__(self, item: int) -> InputExample:
        """The next example; the data is drawn by weight, whatever the number."""
        if item >= self.num_sentences:
            raise IndexError(item)
        if not self._ready:
            self._draw()
        return self._ready.pop()

    def _draw(self) -> None:
        drawn = [
            next(turn)
            for turn, weight in zip(self._turns, self._weights, strict=True)
            for _ in range(weight)
        ]
        sources = list(dict.fromkeys(source for source, _ in drawn if source not in self._vectors))
        vectors = dict(self._vectors)
        if sources:
            encoded = self.teacher_model.encode(
                sources, batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True
            )
            vectors |= dict(zip(sources, encoded, strict=True))
        if self.use_embedding_cache:
            self._vectors = vectors
        self._ready = [
            InputExample(texts=[target], label=vectors[source])
            for source, targets in drawn
            for target in targets
        ]
        random.shuffle(self._ready)


def _endless(
    rows: list[tuple[str, tuple[str, ...]]],
) -> Iterator[tuple[str, tuple[str, ...]]]:
    while True:
        yield from rows
        rows = random.sample(rows, len(rows))
