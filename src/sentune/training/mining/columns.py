"""``mine_hard_negatives`` with the reference's arguments: a data set → a data set."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentune.checks import require_choice, require_whole
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, DataError
from sentune.training.mining.outputs import FORMATS, Candidates, mined_columns
from sentune.training.mining.settings import MiningSettings
from sentune.vectors import require_finite
from sentune.wording import counted

__all__ = ["mine_columns"]

logger = logging.getLogger(__name__)


def mine_columns(
    dataset: Any,
    model: SentenceTransformer,
    anchor_column_name: str | None = None,
    positive_column_name: str | None = None,
    corpus: Sequence[str] | None = None,
    cross_encoder: Any = None,
    range_min: int = 0,
    range_max: int | None = None,
    max_score: float | None = None,
    min_score: float | None = None,
    absolute_margin: float | None = None,
    relative_margin: float | None = None,
    num_negatives: int = 3,
    sampling_strategy: str = "top",
    query_prompt_name: str | None = None,
    query_prompt: str | None = None,
    corpus_prompt_name: str | None = None,
    corpus_prompt: str | None = None,
    include_positives: bool = False,
    output_format: str = "triplet",
    output_scores: bool = False,
    batch_size: int = 32,
    faiss_batch_size: int = 16384,
    use_faiss: bool = False,
    use_multi_process: list[str] | bool = False,
    verbose: bool = True,
    cache_folder: str | None = None,
    as_triplets: bool | None = None,
    margin: float | None = None,
) -> Any:
    """Add hard negatives to the pairs of a data set, with the reference's meaning and defaults.

    Args:
        dataset: a ``datasets.Dataset``, or columns of equal length.
        model: encodes questions and passages with its prompts, or with those named.
        anchor_column_name, positive_column_name: the first and the second column when None.
        corpus: further passages to mine from.
        cross_encoder: anything with ``predict``; its scores are what the guards compare.
        range_min, range_max: the ranks of the candidates, nearest first; the positives count.
            When None, 10 · ``num_negatives`` with a guard and ``num_negatives`` without one, and
            the positives.
        max_score, min_score, absolute_margin, relative_margin: guards, see
            :func:`sentune.training.mining.mine.mine_hard_negatives`; none by default.
        num_negatives: the most for each question.
        sampling_strategy: ``top``, or ``random`` (Python's ``random``).
        include_positives: rank the positives among the negatives, for reranking data.
        output_format: ``triplet``, ``n-tuple``, ``labeled-pair`` or ``labeled-list``.
        output_scores: add the scores, in place of labels.
        batch_size: texts that the model encodes together.
        faiss_batch_size: questions compared with the corpus together.
        use_faiss: not used, which a warning says: the search is exact.
        use_multi_process: encode in several processes; devices in a list.
        verbose: log how many negatives were found.
        cache_folder: refused.
        as_triplets, margin: older names of ``output_format`` and ``absolute_margin``.

    Returns:
        The columns, as a data set of the kind that was given.

    Cost: as there.

    Raises:
        ArgumentError: an argument outside its range.
        DataError: no row, fewer than two columns, or a column that the data set does not have.
        ModelError: the model gives vectors that are not finite.
    """
    _tell_unused(cache_folder, use_faiss)
    if as_triplets is not None:
        output_format = "triplet" if as_triplets else "n-tuple"
    output_format = require_choice("output_format", output_format, FORMATS)
    rows = _Rows.of(dataset, anchor_column_name, positive_column_name, corpus)
    absolute_margin = absolute_margin if margin is None else margin
    # Scores of a cross-encoder have no bounds, so the limits of cosines do not hold for them.
    of_cosines = {"max_score": max_score, "min_score": min_score}
    of_cosines["absolute_margin"] = absolute_margin
    MiningSettings(
        num_negatives=num_negatives,
        range_min=range_min,
        relative_margin=relative_margin,
        sampling_strategy=sampling_strategy,
        **({} if cross_encoder is not None else of_cosines),  # type: ignore[arg-type]
    )
    guards = _Guards(absolute_margin, relative_margin, max_score, min_score)
    if range_max is None:
        tries = 10 if guards.leave_out_many(rescored=cross_encoder is not None) else 1
        range_max = range_min + num_negatives * tries + rows.most_positives
    require_whole("range_max", range_max, least=range_min + num_negatives)
    search = _Search(
        rows,
        model,
        *_encoded(
            rows,
            model,
            use_multi_process,
            {"prompt_name": query_prompt_name, "prompt": query_prompt, "batch_size": batch_size},
            {"prompt_name": corpus_prompt_name, "prompt": corpus_prompt, "batch_size": batch_size},
        ),
        rescored_by=cross_encoder if guards.any() else None,
    )
    step = require_whole("faiss_batch_size", faiss_batch_size)
    chosen = [
        search.candidates(question, nearest, guards, include_positives).chosen(
            range_min, range_max, num_negatives, sampling_strategy == "random", random
        )
        for question, nearest in search.blocks(step, range_max + rows.most_positives)
    ]
    layout = "n-tuple" if include_positives else output_format
    columns = mined_columns(
        rows.names, rows.corpus, chosen, layout, num_negatives, scores=output_scores
    )
    if verbose:
        mined = counted(sum(len(one.negatives) for one in chosen), "hard negative")
        logger.info("mined %s for %s", mined, counted(len(chosen), "question"))
    return dataset.from_dict(columns) if hasattr(dataset, "from_dict") else columns


def _tell_unused(cache_folder: object, use_faiss: object) -> None:
    if cache_folder is not None:
        raise ArgumentError(
            f"cache_folder={cache_folder!r}",
            expected="no folder, because vectors of another model could be taken from it",
            fix="leave out cache_folder",
        )
    if use_faiss:
        logger.warning("use_faiss is not used: the search is exact without it")


def _encoded(
    rows: _Rows,
    model: SentenceTransformer,
    several: list[str] | bool,
    query: Mapping[str, Any],
    passage: Mapping[str, Any],
) -> tuple[Tensor, Tensor]:
    """Vectors of the questions and of the corpus. Raises ModelError."""
    pool = None
    if several:
        pool = model.start_multi_process_pool(None if isinstance(several, bool) else several)
    how: dict[str, Any] = {"pool": pool, "normalize_embeddings": True}
    try:
        queries = model.encode_query([*rows.positives], **query, **how)
        passages = model.encode_document(rows.corpus, **passage, **how)
    finally:
        if pool is not None:
            model.stop_multi_process_pool(pool)
    for vectors in (queries, passages):
        require_finite(vectors, f"the vectors of {model.base.name}")
    return torch.from_numpy(queries), torch.from_numpy(passages)


@dataclass(frozen=True, slots=True)
class _Guards:
    """Limits of the scores of negatives; None where there is none."""

    absolute_margin: float | None
    relative_margin: float | None
    max_score: float | None
    min_score: float | None

    def any(self) -> bool:
        return any(getattr(self, name) is not None for name in self.__slots__)

    def leave_out_many(self, *, rescored: bool) -> bool:
        """Whether the nearest passages may be left out, so that more are looked at."""
        above = (self.absolute_margin, self.relative_margin, self.max_score)
        return any(one is not None for one in above) or (rescored and self.min_score is not None)

    def apply(self, scores: Tensor, lowest: Tensor) -> None:
        """Set scores that a guard leaves out to -inf; ``lowest`` is that of the positives."""
        if self.absolute_margin is not None:
            scores[scores + self.absolute_margin > lowest] = -torch.inf
        if self.relative_margin is not None:
            scores[scores > lowest - lowest.abs() * self.relative_margin] = -torch.inf
        if self.max_score is not None:
            scores[scores > self.max_score] = -torch.inf
        if self.min_score is not None:
            scores[scores < self.min_score] = -torch.inf


@dataclass(frozen=True, slots=True)
class _Rows:
    """Question → the numbers of its passages in the corpus."""

    names: tuple[str, str]
    corpus: list[str]
    positives: Mapping[str, list[int]]
    most_positives: int

    @classmethod
    def of(
        cls, dataset: Any, anchor: str | None, positive: str | None, corpus: Sequence[str] | None
    ) -> _Rows:
        known = list(getattr(dataset, "column_names", None) or dataset)
        for name in (anchor, positive):
            if name is not None and name not in known:
                raise DataError(
                    f"column {name!r}",
                    expected=f"one of the data set's columns: {', '.join(known)}",
                    fix="correct anchor_column_name or positive_column_name",
                )
        anchor = next(iter(known), None) if anchor is None else anchor
        positive = next(iter(known[1:]), None) if positive is None else positive
        questions = list(dataset[anchor]) if anchor is not None else []
        if positive is None or not questions:
            raise DataError(
                f"{counted(len(known), 'column')} with {counted(len(questions), 'row')}",
                expected="pairs to mine negatives for: a column of questions and one of passages",
                fix="pass a data set with both",
            )
        answers = list(dataset[positive])
        texts = list(dict.fromkeys([*(answers if corpus is None else corpus), *answers]))
        number = {text: index for index, text in enumerate(texts)}
        rows: dict[str, list[int]] = {}
        for question, answer in zip(questions, answers, strict=True):
            rows.setdefault(question, []).append(number[answer])
        most = max(map(len, rows.values()))
        unique = {question: list(dict.fromkeys(found)) for question, found in rows.items()}
        return cls((str(anchor), str(positive)), texts, unique, most)


class _Search:
    """Scores of the candidates of each question."""

    def __init__(
        self,
        rows: _Rows,
        model: SentenceTransformer,
        queries: Tensor,
        passages: Tensor,
        rescored_by: Any,
    ) -> None:
        self._rows, self._model, self._queries, self._passages = rows, model, queries, passages
        self._rescorer = rescored_by
        self._questions = [*rows.positives.items()]

    def blocks(self, step: int, count: int) -> Iterator[tuple[int, tuple[Tensor, Tensor]]]:
        """Each question with the scores and numbers of its ``count`` nearest passages."""
        for start in range(0, len(self._queries), step):
            scores = self._model.similarity(self._queries[start : start + step], self._passages)
            best = scores.topk(min(count, scores.shape[1]))
            for row in range(len(scores)):
                yield start + row, (best.values[row], best.indices[row])

    def candidates(
        self,
        question: int,
        nearest: tuple[Tensor, Tensor],
        guards: _Guards,
        include_positives: bool,
    ) -> Candidates:
        """What the guards leave of the nearest passages, and the scores of the positives."""
        scores, numbers = nearest
        text, positives = self._questions[question]
        of_positives = self._model.similarity_pairwise(
            self._queries[question].expand(len(positives), -1), self._passages[positives]
        )
        if self._rescorer is not None:
            scores, of_positives = (
                self._rescored(text, some) for some in (numbers.tolist(), positives)
            )
        kept = scores.clone()
        if not include_positives:
            kept[torch.isin(numbers, torch.tensor(positives))] = -torch.inf
        guards.apply(kept, of_positives.min())
        order = kept.argsort(descending=True, stable=True)
        return Candidates(
            text, positives, of_positives.tolist(), numbers[order].tolist(), kept[order].tolist()
        )

    def _rescored(self, text: str, numbers: Sequence[int]) -> Tensor:
        given = [(text, self._rows.corpus[number]) for number in numbers]
        return torch.from_numpy(np.asarray(self._rescorer.predict(given), np.float32))
