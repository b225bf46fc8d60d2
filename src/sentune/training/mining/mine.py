"""Hard negatives for pairs: passages that a model takes for the answer, but that are not."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from sentune.data.pairs import Pairs
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.text_encoder import EncodeOptions
from sentune.errors import ArgumentError, DataError
from sentune.progress import progress
from sentune.training.mining.ranking import CandidateRanking
from sentune.training.mining.settings import MiningOptions, MiningSettings
from sentune.vectors import require_finite
from sentune.wording import counted, named_kind

__all__ = ["Mined", "Negative", "mine_hard_negatives"]

_SAME = 0.95
_ELEMENTS = 1 << 22
_OUT = -math.inf


@dataclass(frozen=True, slots=True)
class Negative:
    """A mined passage and its cosine to the question."""

    text: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Mined:
    """What :func:`mine_hard_negatives` found.

    Attributes:
        pairs: the pairs with ``negatives``: the given ones, then the mined, then the random ones.
        mined: question id → the mined negatives, in the order of ``mode``.
        random: question id → those drawn at random, where too few were mined.
        positives: question id → the cosine of the question to each passage that answers it.
        short: how many questions have fewer mined negatives than were asked for.
        left_out: guard → how many candidates it left out. Each candidate is counted once,
            for the first guard in the order of this mapping that leaves it out.
    """

    pairs: Pairs
    mined: Mapping[str, tuple[Negative, ...]]
    positives: Mapping[str, tuple[float, ...]]
    random: Mapping[str, tuple[Negative, ...]]
    short: int
    left_out: Mapping[str, int]

    @property
    def negatives(self) -> int:
        """How many negatives were mined."""
        return sum(len(found) for found in self.mined.values())

    @property
    def drawn(self) -> int:
        """How many negatives were drawn at random for questions with too few."""
        return sum(len(found) for found in self.random.values())

    @property
    def mean_positive(self) -> float:
        """Mean cosine of the pairs."""
        return float(np.mean([score for scores in self.positives.values() for score in scores]))

    @property
    def mean_negative(self) -> float | None:
        """Mean cosine of the questions to their mined negatives; None where there are none."""
        scores = [negative.similarity for found in self.mined.values() for negative in found]
        return float(np.mean(scores)) if scores else None


def mine_hard_negatives(
    pairs: Pairs,
    model: SentenceTransformer,
    *,
    show_progress_bar: bool = False,
    **options: Unpack[MiningOptions],
) -> Mined:
    """Find, for each question, passages that are near to it and do not answer it.

    >>> from sentune import SentenceTransformer, mine_hard_negatives
    >>> from sentune.data import Pairs
    >>> passages = {"p1": "shutil.copy copies a file.", "p2": "os.rename renames a file."}
    >>> pairs = Pairs({"q": "how do I copy a file"}, passages, relevant={"q": ("p1",)})
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> mine_hard_negatives(pairs, model, num_negatives=1).pairs.negatives["q"]
    ('os.rename renames a file.',)

    Candidates are all passages that do not belong to the question, in the order of ``mode``: by
    their cosine to it, or as a search by words or by both would list them. BM25's wrong first hits
    teach the model what words alone cannot tell (CLEAR, arXiv:2004.13969). Pairs rarely name every
    right answer, so candidates that may be right are left out. The scores that the guards compare
    are the model's cosines in every mode:

    - ``same``: nearly equal to a passage that answers the question (cosine above 0.95).
    - ``shared``: answers another question together with a passage that answers this one.
    - ``absolute_margin``, ``relative_margin``: scores above s − margin, or s − margin · |s|, where
      s is the score of the passage that answers the question, the lowest if there are several.
      Moreira et al. 2024 (NV-Retriever, arXiv:2407.15831, "TopK-PercPos") found a relative margin
      of 0.05 best.
    - ``max_score`` and ``min_score``: scores above or below a fixed limit.

    Training rows must have equal width, and one question with few negatives should not shorten all.
    So questions with too few mined negatives get random passages. These skip ``same``, ``shared``
    and the right passages, but ignore the margins.

    Args:
        pairs: questions with their passages; every passage is a candidate.
        model: encodes with its prompts for questions and passages.
        show_progress_bar: draw bars on standard error.
        num_negatives: how many to mine for each question; 3 by default.
        range_min: skip so many of the best candidates that passed all guards; 0 by default.
        range_max: consider only so many candidates, the first, before any guard. None: all, of
            which ``random`` draws from the first 10 · ``num_negatives`` that pass the guards.
        max_score, min_score: the greatest and the least cosine to the question.
        absolute_margin, relative_margin: see above; none and 0.05 by default.
        sampling_strategy: ``top`` (the default) takes the nearest, ``random`` draws from all that
            are left.
        seed: of the random numbers; 0 by default.
        mode: ``dense`` (the default) ranks by the model; ``words`` by BM25, and a candidate then
            shares a word with the question; ``hybrid`` by the fusion of both, with the weight that
            is saved with the model, or 0.5.

    Cost: encoding all texts, then questions · passages · dim multiplications, and as many for
    the passages that answer; about 100 MB beside the vectors.

    Raises:
        ArgumentError: an argument outside its range, or data that are not ``Pairs``.
        DataError: fewer than two passages.
        MissingExtraError: a mode with BM25, and bm25s or PyStemmer is not installed.
        ModelError: the model gives vectors that are not finite.
    """
    if not isinstance(pairs, Pairs):
        raise ArgumentError(
            f"mine_hard_negatives of {named_kind(pairs)}",
            expected="Pairs, which know all passages that answer a question",
            fix="make them with sentune.data.Pairs, or run: sentune mine-negatives FILE",
        )
    for unknown in options.keys() - MiningOptions.__annotations__.keys():
        raise TypeError(f"mine_hard_negatives() got an unexpected keyword argument {unknown!r}")
    settings = MiningSettings(**options)
    if len(pairs.passages) < 2 or not pairs.relevant:
        raise DataError(
            f"{pairs.source} has {counted(len(pairs.passages), 'different passage')} and "
            f"{counted(len(pairs.relevant), 'question')}",
            expected="at least one question and two passages (one that answers it, and another)",
            fix="add pairs",
        )
    ranking = CandidateRanking.of(settings.mode, pairs, model)
    how: EncodeOptions = {"normalize_embeddings": True, "show_progress_bar": show_progress_bar}
    queries = model.encode_query([pairs.questions[key] for key in pairs.relevant], **how)
    passages = model.encode_document(list(pairs.passages.values()), **how)
    for vectors in (queries, passages):
        require_finite(vectors, f"the vectors of {model.base.name}")
    miner = _Miner(pairs, torch.from_numpy(queries), torch.from_numpy(passages), settings, ranking)
    with progress("mining", len(pairs.relevant), unit="questions", show=show_progress_bar) as done:
        for count in miner.run():
            done(count)
    return miner.result()


@dataclass(slots=True)
class _Found:
    mined: dict[str, tuple[Negative, ...]] = field(default_factory=dict)
    random: dict[str, tuple[Negative, ...]] = field(default_factory=dict)
    positives: dict[str, tuple[float, ...]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


class _Miner:
    """Mines a block of questions at a time: scores, guards, choice."""

    def __init__(
        self,
        pairs: Pairs,
        queries: Tensor,
        passages: Tensor,
        settings: MiningSettings,
        ranking: CandidateRanking,
    ) -> None:
        self._pairs, self._queries, self._passages = pairs, queries, passages
        self._settings, self._ranking = settings, ranking
        self._keys = list(pairs.relevant)
        self._texts = list(pairs.passages.values())
        self._step = max(1, _ELEMENTS // len(self._texts))
        number = {key: index for index, key in enumerate(pairs.passages)}
        self._relevant = [[number[name] for name in pairs.relevant[key]] for key in self._keys]
        by_text = {text: index for index, text in enumerate(self._texts)}
        self._known = [
            [by_text[text] for text in pairs.negatives.get(key, ()) if text in by_text]
            for key in self._keys
        ]
        self._asked = defaultdict[int, list[int]](list)
        for question, passages_of in enumerate(self._relevant):
            for passage in passages_of:
                self._asked[passage].append(question)
        self._found = _Found()

    def run(self) -> Iterator[int]:
        """Mine block after block; yields the number of questions in each."""
        numbers = range(len(self._keys))
        for start in range(0, len(numbers), self._step):
            block = numbers[start : start + self._step]
            self._mine(block)
            yield len(block)

    def result(self) -> Mined:
        """The pairs with what was found."""
        found, negatives = self._found, {}
        for key in self._keys:
            texts = [negative.text for negative in (*found.mined[key], *found.random[key])]
            negatives[key] = (*self._pairs.negatives.get(key, ()), *texts)
        return Mined(
            pairs=replace(
                self._pairs, negatives={k: some for k, some in negatives.items() if some}
            ),
            mined=found.mined,
            positives=found.positives,
            random=found.random,
            short=sum(len(got) < self._settings.num_negatives for got in found.mined.values()),
            left_out=dict(found.left_out),
        )

    def _mine(self, block: range) -> None:
        scores = self._queries[block.start : block.stop] @ self._passages.T
        positives = [
            scores[row, self._relevant[question]].tolist() for row, question in enumerate(block)
        ]
        cosines = scores.clone()
        for row, question in enumerate(block):
            scores[row, self._relevant[question] + self._known[question]] = _OUT
        order = self._ranking.order(block, scores)
        count = self._settings.range_max
        if count is not None and count < scores.shape[1]:
            first = order.topk(count).indices
            scores = torch.full_like(scores, _OUT).scatter_(1, first, scores.gather(1, first))
        scores[order == _OUT] = _OUT
        allowed = self._without_likely_positives(scores, block)
        self._apply_score_guards(scores, torch.tensor([min(row) for row in positives]))
        order[scores == _OUT] = _OUT
        chosen = self._choose(order, block)
        for row, question in enumerate(block):
            key = self._keys[question]
            self._found.positives[key] = tuple(positives[row])
            drawn = self._drawn(allowed[row], chosen[row], question)
            self._found.mined[key] = self._negatives(chosen[row], cosines[row])
            self._found.random[key] = self._negatives(drawn, cosines[row])

    def _negatives(self, numbers: Sequence[int], cosines: Tensor) -> tuple[Negative, ...]:
        return tuple(Negative(self._texts[n], float(cosines[n])) for n in numbers)

    def _without_likely_positives(self, scores: Tensor, block: range) -> Tensor:
        """Apply ``same`` and ``shared``. Returns the passages that are no likely positives."""
        allowed = torch.ones_like(scores, dtype=torch.bool)
        right = sorted({passage for question in block for passage in self._relevant[question]})
        row_of = {passage: row for row, passage in enumerate(right)}
        pieces = (right[start : start + self._step] for start in range(0, len(right), self._step))
        alike = torch.cat([self._passages[piece] @ self._passages.T > _SAME for piece in pieces])
        for row, question in enumerate(block):
            same = alike[[row_of[passage] for passage in self._relevant[question]]].any(0)
            self._leave_out("same", scores[row], same)
            shared = torch.zeros_like(same)
            shared[list(self._answering_together(question))] = True
            self._leave_out("shared", scores[row], shared)
            allowed[row] = ~(same | shared)
            allowed[row, self._relevant[question] + self._known[question]] = False
        return allowed

    def _answering_together(self, question: int) -> set[int]:
        others = {
            other
            for passage in self._relevant[question]
            for other in self._asked[passage]
            if len(self._relevant[other]) > 1
        }
        return {passage for other in others for passage in self._relevant[other]}

    def _apply_score_guards(self, scores: Tensor, lowest: Tensor) -> None:
        given = self._settings
        if given.absolute_margin is not None:
            limits = (lowest - given.absolute_margin)[:, None]
            self._leave_out("absolute_margin", scores, scores > limits)
        if given.relative_margin is not None:
            limits = (lowest - lowest.abs() * given.relative_margin)[:, None]
            self._leave_out("relative_margin", scores, scores > limits)
        if given.max_score is not None:
            self._leave_out("max_score", scores, scores > given.max_score)
        if given.min_score is not None:
            self._leave_out("min_score", scores, scores < given.min_score)

    def _leave_out(self, guard: str, scores: Tensor, mask: Tensor) -> None:
        self._found.left_out[guard] += int((mask & (scores > _OUT)).sum())
        scores[mask] = _OUT

    def _choose(self, order: Tensor, block: range) -> list[list[int]]:
        given = self._settings
        draws = given.sampling_strategy == "random"
        window = given.num_negatives * (10 if draws else 1)
        last = given.range_min + window if given.range_max is None else given.range_max
        best = order.topk(min(last, order.shape[1]))
        chosen = []
        for row, question in enumerate(block):
            found = best.indices[row][best.values[row] > _OUT].tolist()[given.range_min :]
            if draws and len(found) > given.num_negatives:
                random = np.random.default_rng((given.seed, question))
                ranks = random.choice(len(found), given.num_negatives, replace=False)
                found = [found[rank] for rank in sorted(ranks.tolist())]
            chosen.append(found[: given.num_negatives])
        return chosen

    def _drawn(self, allowed: Tensor, chosen: Sequence[int], question: int) -> list[int]:
        missing = self._settings.num_negatives - len(chosen)
        if not missing:
            return []
        allowed[list(chosen)] = False
        passages = allowed.nonzero()[:, 0].numpy()
        random = np.random.default_rng((self._settings.seed, question, 1))
        drawn = random.choice(passages, min(missing, len(passages)), replace=False)
        return [int(index) for index in drawn]
