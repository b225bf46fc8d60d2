"""Split pairs so that no passage stands on two sides.

Two questions that share a passage are not independent: a model tuned on one has seen the answer
to the other. So the unit of every split is a connected component of the graph that links each
question to its relevant passages, and the same components are the clusters of the bootstrap.

Order comes from a hash of the seed and a text, not from a random generator: the same split comes
out on every machine and version, whatever the order of the file, and a few more pairs move few
of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError, DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["folds", "hold_out", "hold_out_groups", "question_groups"]


def hold_out(pairs: Pairs, fraction: float = 0.1, seed: int = 0) -> tuple[Pairs, Pairs]:
    """Split into training and held-out pairs, with no relevant passage on both sides.

    Questions connected through shared passages stay together, so the share of held-out questions
    is as near to ``fraction`` as whole components allow, from one component to all but one.
    Passages that no question asks for stay with training; the held-out pairs keep only the
    passages that answer them, so a realistic ranking is made against the union of both sides.
    Hard negatives stay with their question and are not considered.

    Args:
        pairs: the pairs to split.
        fraction: share of the questions to hold out, between 0 and 1 exclusive.
        seed: chooses which.

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
    """Split as :func:`hold_out`, by groups that the caller knows: modules, documents, authors.

    Args:
        pairs: the pairs to split.
        group_of: question id → name of its group. A passage that two groups share ends up on
            both sides, so this is for groups that share none.
        fraction: share of the questions to hold out, between 0 and 1 exclusive.
        seed: chooses which.

    Raises:
        ArgumentError: ``fraction`` is out of range.
        DataError: there is one group only.
    """
    if not 0 < fraction < 1:
        raise ArgumentError(
            f"fraction={fraction}", expected="a number between 0 and 1", fix="0.1 is usual"
        )
    members: dict[str, list[str]] = {}
    for key in pairs.relevant:
        members.setdefault(group_of[key], []).append(key)
    if len(members) < 2:
        raise DataError(
            f"{pairs.source} can't be split: its questions are connected through shared passages",
            expected="at least two groups of questions without a passage in common",
            fix="add pairs about other passages, or give the pairs to evaluate on as their own "
            "file",
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
    # Here and not above, so that reading a file does not cost the import of numpy.
    import numpy as np

    parent = {passage_id: passage_id for ids in pairs.relevant.values() for passage_id in ids}
    for first, *others in pairs.relevant.values():
        for other in others:
            parent[_root(parent, other)] = _root(parent, first)
    numbers: dict[str, int] = {}
    roots = (_root(parent, ids[0]) for ids in pairs.relevant.values())
    return np.array([numbers.setdefault(root, len(numbers)) for root in roots], dtype=np.int64)


def folds(pairs: Pairs, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Assign every question to one of ``count`` folds of about equal size, components together.

    Returns:
        Int array of folds 0 to ``count - 1``, each used, one entry per question in the order of
        ``pairs.relevant``.

    Raises:
        ArgumentError: ``count`` is below 2.
        DataError: there are fewer components than folds.
    """
    import numpy as np

    if count < 2:
        raise ArgumentError(f"count={count}", expected="at least 2 folds", fix="5 is usual")
    component_of = _component_names(pairs)
    sizes = Counter(component_of.values())
    if len(sizes) < count:
        raise DataError(
            f"{pairs.source} has {len(sizes)} groups of questions without a passage in common",
            expected=f"at least {count}, one for every fold",
            fix="use fewer folds or add pairs about other passages",
        )
    # The large ones first, each into the emptiest fold, so that the small ones even it out.
    fold_of: dict[str, int] = {}
    filled = [0] * count
    for name in sorted(sizes, key=lambda name: (-sizes[name], _rank(name, seed))):
        fold_of[name] = filled.index(min(filled))
        filled[fold_of[name]] += sizes[name]
    return np.array([fold_of[component_of[key]] for key in pairs.relevant], dtype=np.int64)


def _component_names(pairs: Pairs) -> dict[str, str]:
    """Name every question's component by its least text, which no order of the file changes."""
    numbers = question_groups(pairs).tolist()
    names: dict[int, str] = {}
    for number, key in zip(numbers, pairs.relevant, strict=True):
        text = pairs.questions[key]
        names[number] = min(names.get(number, text), text)
    return {key: names[number] for number, key in zip(numbers, pairs.relevant, strict=True)}


def _root(parent: dict[str, str], node: str) -> str:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def _rank(name: str, seed: int) -> bytes:
    return blake2b(f"{seed}\n{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _chosen(sizes: Mapping[str, int], target: float, seed: int) -> set[str]:
    """Take groups in hashed order, each only if that brings the total nearer to the target."""
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
