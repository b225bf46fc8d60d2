"""Split pairs so that no passage is on both sides.

Two questions that share a passage are not independent: a model tuned on one has seen the answer
to the other. So a split never divides a connected component of the graph that links each question
to its relevant passages. The same components are the clusters of the bootstrap.

A hash of the seed and a text gives the order, not a random generator. So the split is the same on
every machine, in every version and for every order of the file, and a few new pairs move few of
the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError, TooFewPairsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["hold_out", "hold_out_groups", "named_by_text", "question_groups"]


def hold_out(pairs: Pairs, fraction: float = 0.1, seed: int = 0) -> tuple[Pairs, Pairs]:
    """Split into training and held-out pairs, with no relevant passage on both sides.

    Questions that are connected through shared passages stay together, so the share of held-out
    questions is only as near to ``fraction`` as whole components allow. Each side gets at least
    one component. Passages that answer no question stay with training. The held-out pairs keep
    only the passages that answer them; for a realistic ranking, search the passages of both sides.
    Hard negatives stay with their question and do not connect questions.

    Args:
        fraction: share of the questions to hold out, between 0 and 1 exclusive.
        seed: decides which.

    Returns:
        ``(training, held out)``, each with its questions in the order given.

    Raises:
        ArgumentError: ``fraction`` is out of range.
        DataError: all questions are connected, so one side would be empty.
    """
    return hold_out_groups(pairs, _component_names(pairs), fraction, seed)


def hold_out_groups(
    pairs: Pairs, group_of: Mapping[str, str], fraction: float, seed: int
) -> tuple[Pairs, Pairs]:
    """Split as :func:`hold_out`, by groups that the caller knows: documents or authors, say.

    ``group_of`` is question id → name of its group. Groups must not share passages: a shared
    passage may be on both sides. The other arguments are as there.

    Raises:
        ArgumentError: ``fraction`` is out of range.
        DataError: there is one group only.
    """
    if not 0 < fraction < 1:
        raise ArgumentError(
            f"fraction is {fraction}",
            expected="a number between 0 and 1",
            fix="use 0.1, say",
        )
    members: dict[str, list[str]] = {}
    for key in pairs.relevant:
        members.setdefault(group_of[key], []).append(key)
    if len(members) < 2:
        raise TooFewPairsError(
            f"{pairs.source} can't be split, because shared passages connect all its questions",
            expected="at least two groups of questions without a common passage",
            fix="add pairs about other passages, or put the pairs for evaluation in a file of "
            "their own",
        )
    sizes = {name: len(keys) for name, keys in members.items()}
    held = _chosen(sizes, fraction * len(pairs.relevant), seed)
    sides: tuple[list[str], list[str]] = ([], [])
    for key in pairs.relevant:
        sides[group_of[key] in held].append(key)
    return _side(pairs, sides[0], keep_unasked=True), _side(pairs, sides[1], keep_unasked=False)


def question_groups(pairs: Pairs) -> NDArray[np.int64]:
    """Number the connected components of questions that share passages.

    Returns:
        Int array, one entry per question in the order of ``pairs.relevant``; components count
        from 0 in order of their first question. Cost: linear in the number of pairs.
    """
    # Imported here so that reading a file does not import numpy.
    import numpy as np

    parent = {passage_id: passage_id for ids in pairs.relevant.values() for passage_id in ids}
    for first, *others in pairs.relevant.values():
        for other in others:
            parent[_root(parent, other)] = _root(parent, first)
    numbers: dict[str, int] = {}
    roots = (_root(parent, ids[0]) for ids in pairs.relevant.values())
    return np.array([numbers.setdefault(root, len(numbers)) for root in roots], dtype=np.int64)


def _component_names(pairs: Pairs) -> dict[str, str]:
    numbers = map(str, question_groups(pairs).tolist())
    return named_by_text(dict(zip(pairs.relevant, numbers, strict=True)), pairs.questions)


def named_by_text(group_of: Mapping[str, str], texts: Mapping[str, str]) -> dict[str, str]:
    """Name each group by its least text, so that no order of files changes what is chosen."""
    least: dict[str, str] = {}
    for key, name in group_of.items():
        least[name] = min(least.get(name, texts[key]), texts[key])
    return {key: least[name] for key, name in group_of.items()}


def _root(parent: dict[str, str], node: str) -> str:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def _rank(name: str, seed: int) -> bytes:
    return blake2b(f"{seed}\n{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _chosen(sizes: Mapping[str, int], target: float, seed: int) -> set[str]:
    """Take groups in hashed order, each only if it brings the total nearer to the target."""
    order: Sequence[str] = sorted(sizes, key=lambda name: (_rank(name, seed), name))
    chosen: set[str] = set()
    total = 0
    for name in order:
        if len(chosen) < len(order) - 1 and abs(total + sizes[name] - target) < abs(total - target):
            chosen.add(name)
            total += sizes[name]
    return chosen or {min(order, key=sizes.__getitem__)}


def _side(pairs: Pairs, question_ids: Sequence[str], *, keep_unasked: bool) -> Pairs:
    keep = {name for key in question_ids for name in pairs.relevant[key]}
    if keep_unasked:
        asked = {name for ids in pairs.relevant.values() for name in ids}
        keep |= pairs.passages.keys() - asked
    passages = {name: text for name, text in pairs.passages.items() if name in keep}
    return replace(pairs.select(question_ids), passages=passages)
