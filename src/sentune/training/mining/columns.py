"""``mine_hard_negatives`` with the reference's arguments: a data set → a data set."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentune.checks import require_choice, require_whole
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.mining.outputs import FORMATS, Candidates, mined_columns
from sentune.training.mining.rows import MiningRows
from sentune.training.mining.settings import MiningSettings
from sentune.training.mining.statistics import mining_statistics
from sentune.vectors import require_finite

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
        verbose: print the scores, and what the guards left out.
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
    rows = MiningRows.of(dataset, anchor_column_name, positive_column_name, corpus)
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
    if cross_encoder is not None and not guards.any():
        logger.warning("cross_encoder is not used: no margin, max_score or min_score is to compare")
    tell = print if verbose else _silent
    if range_max is None:
        tries = 10 if guards.leave_out_many(rescored=cross_encoder is not None) else 1
        range_max = range_min + num_negatives * tries + rows.most_positives
        tell(f"Setting range_max to {range_max} based on the provided parameters.")
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
    unique, width = len(rows.positives), range_max + rows.most_positives
    if unique != rows.total:
        tell(f"Found {unique} unique queries out of {rows.total} total queries.")
    if rows.most_positives > 1:
        tell(f"Found an average of {rows.total / unique:.3f} positives per query.")
    chosen = [
        search.candidates(question, nearest, guards, include_positives).chosen(
            range_min, range_max, num_negatives, sampling_strategy == "random", random
        )
        for question, nearest in search.blocks(step, width)
    ]
    layout = "n-tuple" if include_positives else output_format
    columns = mined_columns(
        rows.names, rows.corpus, chosen, layout, num_negatives, scores=output_scores
    )
    if verbose:
        found, rights = len(columns[rows.names[0]]), sum(len(one.positives) for one in chosen)
        possible = {
            "triplet": rights * num_negatives,
            "labeled-pair": unique * num_negatives + rows.total,
        }.get(layout, rights)
        lines = mining_statistics(
            chosen,
            guards.counts(search.skipped, unique * max(0, width - len(rows.corpus))),
            unique * width,
            count=num_negatives if layout == "n-tuple" else None,
            missing=(possible - found, possible),
            settings=["range_max", *["range_min"] * (range_min > 0), *guards.above()],
        )
        tell("\n".join(["Negative candidates mined, preparing dataset...", *lines]))
    return dataset.from_dict(columns) if hasattr(dataset, "from_dict") else columns


def _silent(_: str) -> None:
    """Stands for ``print``."""


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
    rows: MiningRows,
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
        return bool(self.above()) or (rescored and self.min_score is not None)

    def above(self) -> list[str]:
        """The names of those that leave out high scores."""
        names = ("absolute_margin", "relative_margin", "max_score")
        return [name for name in names if getattr(self, name) is not None]

    def apply(self, scores: Tensor, lowest: Tensor) -> dict[str, int]:
        """Set scores that a guard leaves out to -inf; ``lowest`` is that of the positives.

        Returns how many each leaves out.
        """
        beyond: dict[str, Callable[[float], Tensor]] = {
            "absolute_margin": lambda least: scores + least > lowest,
            "relative_margin": lambda share: scores > lowest - lowest.abs() * share,
            "max_score": lambda most: scores > most,
            "min_score": lambda least: scores < least,
        }
        left_out: dict[str, int] = {}
        for name, leaves_out in beyond.items():
            if (limit := getattr(self, name)) is not None:
                found = leaves_out(limit)
                scores[found] = -torch.inf
                left_out[name] = int(found.sum())
        return left_out

    def counts(self, skipped: Counter[str], places: int) -> dict[str, tuple[int, float | None]]:
        """What each left out, with its value; empty ``places`` are below every ``min_score``."""
        if self.min_score is not None:
            skipped["min_score"] += places
        return {name: (number, getattr(self, name)) for name, number in skipped.items()}


class _Search:
    """Scores of the candidates of each question."""

    def __init__(
        self,
        rows: MiningRows,
        model: SentenceTransformer,
        queries: Tensor,
        passages: Tensor,
        rescored_by: Any,
    ) -> None:
        self._rows, self._model, self._queries, self._passages = rows, model, queries, passages
        self._rescorer = rescored_by
        self._questions = [*rows.positives.items()]
        self.skipped: Counter[str] = Counter()

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
        self.skipped.update(guards.apply(kept, of_positives.min()))
        order = kept.argsort(descending=True, stable=True)
        return Candidates(
            text, positives, of_positives.tolist(), numbers[order].tolist(), kept[order].tolist()
        )

    def _rescored(self, text: str, numbers: Sequence[int]) -> Tensor:
        given = [(text, self._rows.corpus[number]) for number in numbers]
        return torch.from_numpy(np.asarray(self._rescorer.predict(given), np.float32))
