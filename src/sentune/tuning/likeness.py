"""How like its teacher a student is, on texts that it did not learn from; no labels are needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.tuning.texts_to_distill import DistillTexts

__all__ = ["Likeness", "likeness"]

_NEAREST = 10
_MOST = 1000  # pieces to find neighbours among, and texts to find them for
_TIMED, _ROUNDS = 64, 3  # pieces that are encoded to compare the speed

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a student keeps of its teacher.

    Attributes:
        texts: pieces and sentences that the student had not seen.
        cosine: the mean over them of the cosine of student and teacher.
        asked: those of them whose neighbours were compared.
        nearest: how many neighbours of each, among the pieces.
        shared: how many of these are the same for both, in the mean.
        speed: how many times as fast as the teacher it encodes pieces, in this process.
    """

    texts: int
    cosine: float
    asked: int
    nearest: int
    shared: float
    speed: float


def likeness(
    teacher: SentenceTransformer,
    student: SentenceTransformer,
    texts: DistillTexts,
    target: Callable[[Tensor], Tensor] | None,
) -> Likeness:
    """Compare a student with its teacher.

    Pieces are encoded by both in turns for the speed. ``target`` maps the teacher's vectors to the
    student's dimension.

    Cost: both encode up to 1,000 pieces and what was held out.
    """
    pieces = [*texts.unseen_pieces, *texts.pieces][:_MOST]
    compared = [*texts.unseen_sentences, *texts.unseen_pieces]
    asked = (texts.unseen_sentences or texts.unseen_pieces)[:_MOST]
    cosine = _mean_cosine(teacher, student, compared, target)
    nearest = min(_NEAREST, len(pieces))
    first, second = (_neighbours(model, asked, pieces, nearest) for model in (teacher, student))
    shared = np.mean([len(set(a) & set(b)) for a, b in zip(first, second, strict=True)])
    speed = _speed(teacher, student, pieces[:_TIMED])
    return Likeness(len(compared), cosine, len(asked), nearest, float(shared), speed)


def _mean_cosine(
    teacher: SentenceTransformer,
    student: SentenceTransformer,
    texts: Sequence[str],
    target: Callable[[Tensor], Tensor] | None,
) -> float:
    with teacher.truncate_sentence_embeddings(teacher.output_dimension):
        wanted = torch.from_numpy(teacher.encode(texts))
    with student.truncate_sentence_embeddings(student.output_dimension):
        found = torch.from_numpy(student.encode(texts))
    if target is not None:
        with torch.no_grad():
            wanted = target(wanted)
    return float(torch.nn.functional.cosine_similarity(found, wanted, dim=1).mean())


def _neighbours(
    model: SentenceTransformer, asked: Sequence[str], pieces: Sequence[str], nearest: int
) -> list[list[int]]:
    questions, passages = model.encode_query(asked), model.encode_document(pieces)
    scores = model.similarity(questions, passages)
    return scores.topk(nearest, dim=1).indices.tolist()


def _speed(
    teacher: SentenceTransformer, student: SentenceTransformer, texts: Sequence[str]
) -> float:
    """By the best round of each, in alternation: other processes only make a round slower."""
    seconds: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(_ROUNDS):
        for place, model in enumerate((teacher, student)):
            started = time.perf_counter()
            model.encode(texts)
            seconds[place].append(time.perf_counter() - started)
    return min(seconds[0]) / min(seconds[1])
