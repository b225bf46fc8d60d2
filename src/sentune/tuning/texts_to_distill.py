"""Files of any texts → what a student learns from: pieces of passages, and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sentune.data import Pairs, holds_texts_only, read_corpus, read_pairs
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.documents.sentences import sentence_ends
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import DataError
from sentune.ranking.pieces import cut_texts
from sentune.training.batches.examples import Row, TrainingData
from sentune.wording import counted

__all__ = ["DistillTexts", "prepare_texts", "read_texts_to_distill"]

_FEWEST = 100
_HELD_OUT, _MOST_HELD_OUT = 0.05, 100  # pieces
_SHORTEST, _LONGEST = 15, 250  # characters of a sentence
_COLUMNS = ("text",)
_PIECES, _SENTENCES = "pieces", "sentences"


@dataclass(frozen=True, slots=True)
class DistillTexts:
    """Texts without labels, each once.

    Attributes:
        pieces: passages, cut to the length limit of the teacher.
        sentences: those of the pieces, and questions of pairs.
        unseen_pieces, unseen_sentences: pieces that are held out, and their sentences.
        files: the names of the files.
        notes: what the readers left out.
    """

    pieces: list[str]
    sentences: list[str]
    unseen_pieces: list[str]
    unseen_sentences: list[str]
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def rows(self) -> TrainingData:
        """One row a text. Pieces and sentences are two data sets, as they have other prompts."""
        rows = [Row((text,), None, name) for name, texts in self._named().items() for text in texts]
        return TrainingData(rows, dict.fromkeys(self._named(), _COLUMNS))

    def prompts(self, model: SentenceTransformer) -> dict[str, str] | None:
        """The prompt of each data set; None without any."""
        known = {_PIECES: model.document_prompt, _SENTENCES: model.query_prompt}
        return {name: known[name] for name in self._named()} if any(known.values()) else None

    def _named(self) -> dict[str, list[str]]:
        named = {_PIECES: self.pieces, _SENTENCES: self.sentences}
        return {name: texts for name, texts in named.items() if texts}

    def describe(self) -> str:
        """How many there are, in words."""
        pieces, sentences = counted(len(self.pieces), "piece"), len(self.sentences)
        return f"{pieces} of passages and {counted(sentences, 'sentence')}"


def read_texts_to_distill(
    paths: Sequence[str | Path], options: ReadOptions = AS_NAMED
) -> list[Pairs]:
    """Read files of texts or pairs, and folders in BEIR's layout. Raises DataError.

    Of pairs, questions, passages and hard negatives are texts; which answers which is not used.
    """
    return [_read(Path(path), options) for path in paths]


def _read(path: Path, options: ReadOptions) -> Pairs:
    if path.is_dir() or holds_texts_only(path, options):
        return read_corpus(path, options)
    return read_pairs(path, options)


def prepare_texts(
    parts: Sequence[Pairs], teacher: SentenceTransformer, seed: int, *, hold_out: bool = True
) -> DistillTexts:
    """Cut passages into pieces and sentences.

    A twentieth of the pieces, 1 to 100, is held out if ``hold_out``.

    Raises:
        DataError: fewer than 100 pieces and sentences.
    """
    passages = list(dict.fromkeys(text for part in parts for text in _passages(part)))
    questions = dict.fromkeys(text for part in parts for text in part.questions.values())
    pieces = list(dict.fromkeys(cut_texts(passages, teacher).texts))
    unseen = _held_out(pieces, seed) if hold_out else []
    seen = [text for text in pieces if text not in set(unseen)]
    sentences = dict.fromkeys([*questions, *_sentences(seen)])
    texts = DistillTexts(
        pieces=seen,
        sentences=list(sentences),
        unseen_pieces=unseen,
        unseen_sentences=[text for text in _sentences(unseen) if text not in sentences],
        files=tuple(Path(part.source).name for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )
    _require_enough(texts)
    return texts


def _passages(part: Pairs) -> Iterator[str]:
    """The passages of pairs, and the hard negatives, which are passages as well."""
    yield from part.passages.values()
    for texts in part.negatives.values():
        yield from texts


def _held_out(pieces: list[str], seed: int) -> list[str]:
    count = max(1, min(_MOST_HELD_OUT, round(_HELD_OUT * len(pieces))))
    order = np.random.default_rng(seed).permutation(len(pieces))
    return [pieces[index] for index in sorted(order[:count])]


def _sentences(pieces: Iterable[str]) -> list[str]:
    """Sentences and lines, each once; no whole pieces, which are learnt from anyway."""
    found: dict[str, None] = {}
    for text in pieces:
        ends = sentence_ends(text)
        parts = (text[a:b] for a, b in zip([0, *ends], ends, strict=False))
        lines = (line.strip() for part in parts for line in _lines(part))
        usable = (line for line in lines if _SHORTEST <= len(line) <= _LONGEST)
        found |= dict.fromkeys(line for line in usable if line != text.strip())
    return list(found)


def _lines(sentence: str) -> list[str]:
    """The sentence in one line, if it is short: lines of pages are wrapped."""
    joined = " ".join(sentence.split())
    return [joined] if len(joined) <= _LONGEST else sentence.split("\n")


def _require_enough(texts: DistillTexts) -> None:
    given = (texts.pieces, texts.sentences, texts.unseen_pieces, texts.unseen_sentences)
    count = sum(map(len, given))
    if count < _FEWEST:
        raise DataError(
            f"{', '.join(texts.files)}: {counted(count, 'text')} in all, with every sentence",
            expected=f"at least {_FEWEST} pieces of passages and sentences",
            fix="add texts: any text of the kind that is searched will do",
        )
