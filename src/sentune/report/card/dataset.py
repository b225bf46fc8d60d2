"""The training pairs on the card: how many, how long, and a few of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice

from sentune.data.pairs import Pairs
from sentune.report.card.facts import CardFacts
from sentune.report.card.text import cell, shortened, table
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["dataset_lines", "example_sentences"]

_COUNTED_ROWS = 1000
_SAMPLES = 3
_SAMPLE_CHARACTERS = 600
_EXAMPLE_CHARACTERS = 300


def dataset_lines(facts: CardFacts) -> list[str]:
    """Items of a Markdown list. Cost: tokenizes the first 1,000 rows."""
    columns = facts.training.columns()
    counted = min(len(facts.training), _COUNTED_ROWS)
    limit = facts.model.max_seq_length
    lines = [
        f"* Size: {len(facts.training):,} training samples",
        f"* Columns: {_listed([f'`{name}`' for name in columns])}",
        f"* Approximate statistics based on the first {counted} samples (tokens are counted after "
        f"the limit of {limit}, special tokens included):",
        _indented(_statistics(columns, facts.model.tokenizer)),
        f"* Length limit: {facts.truncation.describe(limit)}",
    ]
    if not facts.private:
        rows = _sample_rows(columns)
        shown = [[cell(shortened(text, _SAMPLE_CHARACTERS)) for text in row] for row in rows]
        cut = any(len(text) > _SAMPLE_CHARACTERS for row in rows for text in row)
        note = f" (shown up to {_SAMPLE_CHARACTERS} characters)" if cut else ""
        lines += [f"* Samples{note}:", _indented(table(list(columns), shown))]
    return lines


def example_sentences(pairs: Pairs, most: int) -> list[list[str]]:
    """Triples of a question, a passage that answers it and another passage; long texts are cut.

    Up to ``most``, each with another answer; none if all passages answer the same question.
    """
    askers: dict[str, str] = {}
    for question, answers in pairs.relevant.items():
        askers.setdefault(answers[0], question)
    found = (_example(pairs, question, askers) for question in askers.values())
    return list(islice(filter(None, found), most))


def _example(pairs: Pairs, question: str, answers: Iterable[str]) -> list[str]:
    right = pairs.relevant[question]
    other = next((key for key in chain(answers, pairs.passages) if key not in right), None)
    if other is None:
        return []
    texts = (pairs.questions[question], pairs.passages[right[0]], pairs.passages[other])
    return [shortened(text, _EXAMPLE_CHARACTERS) for text in texts]


def _statistics(columns: dict[str, list[str]], tokenizer: Tokenizer) -> str:
    """Type and token counts of every column, in the layout of the reference card."""
    details = [_token_counts(texts[:_COUNTED_ROWS], tokenizer) for texts in columns.values()]
    return table(
        ["", *columns],
        [["type", *["string"] * len(columns)], ["details", *details]],
    )


def _token_counts(texts: Sequence[str], tokenizer: Tokenizer) -> str:
    counts = [len(ids) for ids in tokenizer(texts)[0]] or [0]
    mean = sum(counts) / len(counts)
    figures = {"min": f"{min(counts)}", "mean": f"{mean:.2f}", "max": f"{max(counts)}"}
    items = (f"<li>{name}: {figure} tokens</li>" for name, figure in figures.items())
    return f"<ul>{''.join(items)}</ul>"


def _sample_rows(columns: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """The first rows with different passages: neighbours often share one."""
    rows: dict[str, tuple[str, ...]] = {}
    for row in zip(*columns.values(), strict=True):
        rows.setdefault(row[1], row)
        if len(rows) == _SAMPLES:
            break
    return list(rows.values())


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _indented(block: str) -> str:
    """A block that belongs to the list item above it."""
    return "\n" + "\n".join(f"  {line}" for line in block.splitlines()) + "\n"
