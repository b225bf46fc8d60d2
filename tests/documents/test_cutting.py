"""Passages: within the limit, under one heading, in order, and nothing lost."""

from __future__ import annotations

import re

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from sentune.documents.cutting import Cut, Cutter
from sentune.documents.layout import part_text
from sentune.documents.parts import Block, Blocks, Part
from sentune.documents.sentences import sentence_ends
from sentune.errors import ArgumentError
from sentune.tokens.tokenizer import Tokenizer

TEXT = "the pump valve of a gasket Dr. 3.5 closes, and e.g. water re-opens? Stop! größe 東京。 ok."
WORDS = TEXT.split()
LIMIT = 24


def _tokens(tokenizer: Tokenizer, cut: Cut) -> int:
    return len(tokenizer.whole([f"{cut.title} {cut.text}".strip()])[0])


def _part(*blocks: Block, kind: str = "page", label: int = 1) -> Part:
    return Part(kind, label, blocks)  # type: ignore[arg-type]


def _text(text: str) -> Block:
    return Block("text", text)


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join)
blocks = st.one_of(
    texts.map(_text),
    st.tuples(texts, st.integers(1, 4)).map(lambda t: Block("heading", t[0][:60].strip(), t[1])),
    texts.map(lambda text: Block("item", f"- {text}")),
)
documents = st.lists(st.lists(blocks, max_size=6), min_size=1, max_size=4).map(
    lambda pages: [_part(*page, label=number) for number, page in enumerate(pages, start=1)]
)


@settings(max_examples=60)
@given(documents, st.sampled_from([16, 24, 64]))
def test_nothing_is_lost_and_all_fits(
    tokenizer: Tokenizer, document: list[Part], limit: int
) -> None:
    cuts = list(Cutter(tokenizer, limit)(document))
    assert all(_tokens(tokenizer, cut) <= limit for cut in cuts)
    assert "".join(map(_letters, _read(cuts))) == "".join(_letters(t) for t in _wanted(document))
    for cut in cuts:
        if cut.first is cut.last:
            assert cut.text == part_text(cut.first)[cut.start : cut.end]


def _letters(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _read(cuts: list[Cut]) -> list[str]:
    return [cut.text for cut in cuts]


def _wanted(document: list[Part]) -> list[str]:
    """The texts of a document, and each heading that no text stands below."""
    every = [block for part in document for block in part.blocks]
    return [block.text for n, block in enumerate(every) if not _heads_a_text(every, n)]


def _heads_a_text(every: list[Block], at: int) -> bool:
    """Whether a block is a heading with a text below it, or a heading below that is shown."""
    if every[at].kind != "heading":
        return False
    following = every[at + 1 :]
    return bool(following) and (
        following[0].kind != "heading" or following[0].level > every[at].level
    )


def test_passages_are_filled_and_keep_to_their_heading(tokenizer: Tokenizer) -> None:
    made = Blocks()
    made.heading(1, "Pumps")
    made.text("The pump closes. " * 3)
    made.text("The valve opens.")
    made.heading(2, "Parts")
    made.text("A gasket.")
    cuts = list(Cutter(tokenizer, 40)([_part(*made.made)]))
    assert [(cut.headings, cut.title) for cut in cuts] == [
        (("Pumps",), "Pumps"),
        (("Pumps", "Parts"), "Pumps > Parts"),
    ]
    assert cuts[0].text.endswith("closes.\n\nThe valve opens.")


def test_a_sentence_is_cut_only_if_it_is_too_long(tokenizer: Tokenizer) -> None:
    short = "Dr. Smith closed 3.5 valves, e.g. the first. "
    long = "Word " + "word " * 49
    cuts = list(Cutter(tokenizer, 20)([_part(_text(short * 3 + long))]))
    assert [cut.text for cut in cuts[:3]] == [short.strip()] * 3
    assert all(cut.text.lower().startswith("word") for cut in cuts[3:])
    assert sum(cut.text.lower().count("word") for cut in cuts) == 50


def test_rows_repeat_the_header(tokenizer: Tokenizer) -> None:
    made = Blocks()
    made.text("Prices:")
    made.table([["Part", "Price"], *([f"gasket {n}", str(n)] for n in range(12))])
    cuts = list(Cutter(tokenizer, LIMIT)([_part(*made.made)]))
    assert cuts[0].text == "Prices:\n\nPart | Price\ngasket 0 | 0\ngasket 1 | 1"
    assert all(cut.text.startswith("Part | Price\n") for cut in cuts[1:])
    rows = [line for cut in cuts for line in cut.text.splitlines() if line.startswith("gasket")]
    assert rows == [f"gasket {n} | {n}" for n in range(12)]


def test_a_sentence_over_two_pages_is_one(tokenizer: Tokenizer) -> None:
    pages = [
        _part(Block("heading", "Pumps", 1), _text("First. The pump that"), label=1),
        _part(_text("is open must be closed. Then go."), label=2),
    ]
    (cut,) = Cutter(tokenizer, 64)(pages)
    assert cut.text == "First. The pump that is open must be closed. Then go."
    assert (cut.first.label, cut.last.label, cut.end) == (1, 2, 32)
    first, second = Cutter(tokenizer, 16)(pages)
    assert first.text == "First. The pump that is open must be closed."
    assert second.text == "Then go."


def test_slides_and_rows_are_not_joined(tokenizer: Tokenizer) -> None:
    for kind in ("slide", "sheet", "row"):
        parts = [_part(_text("One."), kind=kind), _part(_text("two."), kind=kind, label=2)]
        assert [cut.text for cut in Cutter(tokenizer, 64)(parts)] == ["One.", "two."]


def test_headings_alone_are_passages(tokenizer: Tokenizer) -> None:
    page = _part(
        Block("heading", "Book", 1), Block("heading", "Part", 2), Block("heading", "End", 1)
    )
    cuts = list(Cutter(tokenizer, 64)([page]))
    assert [(cut.headings, cut.text) for cut in cuts] == [(("Book",), "Part"), ((), "End")]


def test_without_headings_the_text_has_all_of_the_limit(tokenizer: Tokenizer) -> None:
    page = _part(Block("heading", "A heading of several words", 1), _text("word " * 12))
    (with_title, *rest) = Cutter(tokenizer, 16)([page])
    assert with_title.title
    assert rest
    (cut,) = Cutter(tokenizer, 16, headings=False)([page])
    assert (cut.title, cut.headings) == ("", ("A heading of several words",))


def test_a_limit_without_room_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ArgumentError, match="limit is 9: expected a whole number of at least 10"):
        Cutter(tokenizer, 9)


def test_tokens_that_do_not_add_up_still_fit(tokenizer: Tokenizer) -> None:
    bare = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="?"))
    bare.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        special_tokens=["?"], initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()
    )
    bare.train_from_iterator(["the pump closes the valve " * 3], trainer)
    other = Tokenizer(bare, max_seq_length=512)
    page = _part(*(_text("the pump closes. The valve opens again.") for _ in range(9)))
    cuts = list(Cutter(other, 40)([page]))
    assert all(len(other.whole([cut.text])[0]) <= 40 for cut in cuts)
    assert sum(cut.text.count("pump") for cut in cuts) == 9


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three? Four", 4),
        ("See Fig. 3, Dr. A. Smith et al. wrote 3.5 pages.", 1),
        ('He said "Go." Then he went.', 2),
        ("一つ。二つ！三つ", 3),
        ("first\n\nsecond", 2),
        ("a list:\n- one\n- two", 3),
        ("", 1),
    ],
)
def test_sentences(text: str, count: int) -> None:
    ends = sentence_ends(text)
    assert len(ends) == count
    assert ends[-1] == len(text)
